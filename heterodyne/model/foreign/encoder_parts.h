// What checkpoints of encoders (BERT, ViT, MobileNetV2) have in common, in the form of Hugging Face's transformers.
#pragma once

#include <string>

#include "heterodyne/model/importer.h"

namespace heterodyne {

/// Keys and values, two projections of theirs called `key` and `value`, as the one of ours that makes both.
TensorMap joined_keys_and_values(const std::string& ours, const std::string& key, const std::string& value);

/// The keys id2label and label2id of a config.json for so many classes: LABEL_0, LABEL_1, ..
void set_labels(Table& config, int64_t num_classes);

}  // namespace heterodyne
