#include "heterodyne/nn/linear.h"

namespace heterodyne::nn {

Linear::Linear(const LinearOptions& options, const Init& init)
    : weight_(*this, "weight", initial_weight(options.scheme, init.at("weight"), {options.outputs, options.inputs})) {
  if (!options.bias) return;
  bias_ = register_parameter("bias", initial_bias(options.scheme, init.at("bias"), options.outputs, options.inputs));
}

}  // namespace heterodyne::nn
