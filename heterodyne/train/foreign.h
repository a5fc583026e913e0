// Foreign models: whole folders of other software become checkpoints of this program, and the other way round.
#pragma once

#include <memory>
#include <string>

#include "heterodyne/model/foreign/transfer.h"
#include "heterodyne/train/experiment.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne {

struct ImportedModel {
  std::string importer;  // the kind
  Experiment experiment;
  std::shared_ptr<Network> network;  // in eval mode
  Coverage coverage;
};

/// Reads config.json, the tensors (io/tensor_files.h) and, when there is one, the tokenizer of the folder `source`
/// with its chat template. A
/// model of text without a tokenizer gets the numbers of its symbols as words. `name` is the experiment's, `config`
/// another file than the folder's config.json. Throws
/// FormatError for what cannot be read or is not known, and when the tokenizer has more symbols than the model;
/// CheckError as fill_network() does.
ImportedModel import_model(const std::string& source, const std::string& name, const std::string& config = "");

/// Writes a checkpoint that has made no step: see checkpoint.h.
void save_imported(const std::string& folder, const ImportedModel& model);

struct LogitError {
  double largest = 0;  // of |logit - expected|
  int64_t num_tokens = 0;
};

/// Compares with a safetensors file that holds `logits` (of an encoder without a head `last_hidden_state`) and
/// `pixel_values`, or `input_ids` with, if there are any, `token_type_ids` and `attention_mask`; where the mask is 0
/// nothing is compared. A NaN counts as infinitely wrong. Throws FormatError when
/// they are missing or do not fit the network's.
LogitError compare_logits(Network& network, const std::string& file);

struct ExportOptions {
  std::string importer;  // the kind whose form is written; empty: the one that fits
  torch::Dtype dtype = torch::kFloat32;
  int64_t shard_bytes = int64_t{5} << 30;  // no file holds more, but for a single tensor
};

/// Writes config.json, model.safetensors or several files with an index, the tokenizer's file and its chat template
/// into `folder`, which must not exist; then reads them back and compares every value. Returns the coverage; `kind`
/// (may be null) is told what was written. Throws CheckError and leaves nothing behind when the form cannot say what
/// the model is.
Coverage export_model(TrainedModel& model, const ExportOptions& options, const std::string& folder,
                      std::string* kind = nullptr);

}  // namespace heterodyne
