#include "heterodyne/eval/pass.h"

namespace heterodyne {
Batch first_of(const Batch& batch, int64_t size) {
  Batch first = batch;
  for (torch::Tensor* part : {&first.inputs, &first.label_B, &first.index_B, &first.mask_BS, &first.text_BS}) {
    if (part->defined()) *part = part->narrow(0, 0, size);
  }
  return first;
}

void set_dtype(Batch& batch, torch::Dtype dtype) {
  if (batch.inputs.is_floating_point()) batch.inputs = batch.inputs.to(dtype);
}

void each_batch(Loader& loader, const PassOptions& options, const std::function<void(const Batch&)>& work) {
  const torch::NoGradGuard no_grad;
  loader.start(0);
  int64_t num_batches = 0, num_examples = 0;
  while (auto batch = loader.next()) {
    const int64_t left = options.num_examples - num_examples;
    if (options.num_examples > 0 && batch->size() > left) batch = first_of(*batch, left);
    set_dtype(*batch, options.dtype);
    work(*batch);
    num_examples += batch->size();
    if (options.on_batch && !options.on_batch(++num_batches)) return;
    if (num_examples == options.num_examples) return;
  }
}

}  // namespace heterodyne
