// Adapters of LLaMA-like models in the form of Hugging Face's PEFT: adapter_config.json and adapter_model.safetensors.
//
// Their base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight is our blocks.0.attention.query.lora_a.
#pragma once

#include <string>

#include "heterodyne/base/table.h"
#include "heterodyne/model/blocks/lora_section.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

/// What an adapter makes of a model: the settings model.lora, and the corrections' values by our names.
struct PeftAdapter {
  LoraSection lora;
  NamedTensors tensors;
};

/// Reads the folder. Throws FormatError for what is no LoRA of dense projections, or asks for what we have not (DoRA,
/// biases, ranks that differ), and names the tensor or key at fault.
PeftAdapter read_peft(const std::string& folder);

/// The settings model.lora as a table.
Table settings_of(const LoraSection& lora);

/// Copies the values into a network that has these corrections. Throws CheckError naming the first tensor that has no
/// place or another shape, and the first correction that got none.
void fill_lora(Network& network, const PeftAdapter& adapter);

/// Writes the folder, which must not exist. Throws CheckError when a parameter that is no correction learns too: an
/// adapter has no place for it.
void write_peft(const std::string& folder, const Network& network, const LoraSection& lora, const std::string& base);

}  // namespace heterodyne
