// LoRA of whole models: corrections of low rank come to a model from an adapter, and become part of its matrices.
#pragma once

#include "heterodyne/model/foreign/peft.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne {

/// The settings model.lora of an experiment; rank 0 where there is none.
LoraSection lora_of(const Experiment& experiment);

/// The same model with the corrections of an adapter, in eval mode. Throws ConfigError when its network has no section
/// `lora` or none of the projections, CheckError as fill_lora() does.
TrainedModel with_adapter(const TrainedModel& base, const PeftAdapter& adapter);

/// The same model without corrections, which its matrices now contain: W + scale B A. Throws CheckError when it has
/// none.
TrainedModel merged_lora(const TrainedModel& model);

/// What answers may differ by when corrections become part of the matrices, in float32.
constexpr double kLoraTolerance = 1e-3;

}  // namespace heterodyne
