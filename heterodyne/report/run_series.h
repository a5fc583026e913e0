// Run series: one value of metrics.jsonl against steps.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/run_record.h"
#include "heterodyne/report/chart.h"

namespace heterodyne {

struct Series {
  Points points;              // [step, value], finite ones alone, in the order of the file
  int64_t num_nonfinite = 0;  // written as null
};

/// The values of `key` in lines of this kind: "train", "valid", "test".
Series series_of(const RunRecord& run, const std::string& kind, const std::string& key);

/// Keys of lines of this kind, in order of first appearance.
std::vector<std::string> keys_of(const RunRecord& run, const std::string& kind);

/// A key such as "layers.0.k" taken apart: "layers.0" and "k"; of others the layer is empty.
struct LayerKey {
  std::string layer;
  std::string name;
};
LayerKey layer_key(const std::string& key);

}  // namespace heterodyne
