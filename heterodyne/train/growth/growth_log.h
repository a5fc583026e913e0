// GrowthLog: a hook that keeps experts.jsonl in a run's folder: a line for each expert that came or went.
#pragma once

#include <string>

#include "heterodyne/io/file.h"
#include "heterodyne/train/hook.h"

namespace heterodyne {

class GrowthLog : public Hook {
 public:
  /// Lines are appended to the file, which is made with the first.
  explicit GrowthLog(std::string path) : path_(std::move(path)) {}

  void on_growth(const GrowthReport& report) override;

 private:
  std::string path_;
};

}  // namespace heterodyne
