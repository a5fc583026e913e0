#include "heterodyne/data/text_set.h"

#include <fmt/format.h>

#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"

namespace heterodyne {

TextDataset::TextDataset(TextSource source) : source_(std::move(source)) {
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest}) {
    const int64_t has = tokens(split).numel(), needs = source_.batch * (source_.length + 1);
    if (has == 0 || has >= needs) continue;
    throw FormatError(
        source_.where,
        fmt::format("{} text: expected at least batch x (length + 1) = {} x {} = {} tokens, got {}; a "
                    "smaller data.batch or data.length helps",
                    split_name(split), source_.batch, source_.length + 1, with_commas(needs), with_commas(has)));
  }
}

int64_t TextDataset::num_windows(Split split) const {
  const int64_t per_stream = tokens(split).numel() / source_.batch;
  return per_stream > 0 ? (per_stream - 1) / source_.length : 0;
}

int64_t TextDataset::size(Split split) const { return num_windows(split) * source_.batch; }

Batch TextDataset::get(Split split, const torch::Tensor& index_B) const {
  const int64_t B = index_B.size(0), S = source_.length, per_stream = tokens(split).numel() / source_.batch;
  const int64_t num_examples = size(split);
  const auto index = index_B.contiguous();
  const int64_t* at = index.const_data_ptr<int64_t>();
  const int64_t* token = tokens(split).const_data_ptr<int64_t>();
  Batch batch;
  batch.inputs = torch::empty({B, S}, torch::kInt64);
  batch.label_B = torch::empty({B, S}, torch::kInt64);
  batch.index_B = index_B;
  for (int64_t b = 0; b < B; ++b) {
    if (at[b] < 0 || at[b] >= num_examples)
      throw ShapeError(source_.where, fmt::format("index: expected 0 .. {}, got {}", num_examples - 1, at[b]));
    const int64_t window = at[b] / source_.batch, stream = at[b] % source_.batch;
    const int64_t* first = token + stream * per_stream + window * S;
    std::copy(first, first + S, batch.inputs.data_ptr<int64_t>() + b * S);
    std::copy(first + 1, first + 1 + S, batch.label_B.data_ptr<int64_t>() + b * S);
  }
  return batch;
}

torch::Tensor TextDataset::labels(Split) const { return torch::zeros({0}, torch::kInt64); }

DataShape TextDataset::shape() const {
  DataShape shape;
  shape.vocabulary = shape.num_classes = static_cast<int64_t>(source_.vocabulary.size());
  shape.length = source_.length;
  return shape;
}

DataShape shape_before_reading(int64_t vocabulary, int64_t length) {
  constexpr int64_t kBytes = 256;
  DataShape shape;
  shape.vocabulary = shape.num_classes = vocabulary > 0 ? vocabulary : kBytes;
  shape.length = length;
  return shape;
}

}  // namespace heterodyne
