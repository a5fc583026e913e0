#include "heterodyne/data/classified_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/class_cut.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne {
namespace {

torch::Tensor labels_of(const std::vector<LabelledText>& texts) {
  std::vector<int64_t> labels;
  for (const auto& text : texts) labels.push_back(text.label);
  return torch::tensor(labels, torch::kInt64);
}

}  // namespace

std::string words_of(std::string_view text) {
  const std::string lower = tokens::lowercased(text);
  std::string words;
  bool is_inside = false;
  for (size_t at = 0; at < lower.size();) {
    const char32_t character = tokens::next_character(lower, at);
    const bool belongs = tokens::is_word_character(character);
    if (belongs && !is_inside && !words.empty()) words += ' ';
    if (belongs) tokens::append_character(words, character);
    is_inside = belongs;
  }
  return words;
}

DataShape classified_shape(const std::vector<std::string>& class_names, int64_t length, const Member& tokenizer) {
  constexpr int64_t kUsual = 20'000;
  const Value* most = tokenizer.settings.find("most");
  DataShape shape;
  shape.vocabulary = most && most->if_integer() && *most->if_integer() > 0 ? *most->if_integer() : kUsual;
  shape.num_classes = class_names.empty() ? 1 : static_cast<int64_t>(class_names.size());
  shape.length = length;
  return shape;
}

ClassifiedTexts::ClassifiedTexts(ClassifiedTextSource source) : source_(std::move(source)) {
  const auto names = has_numbers() ? std::vector<std::string>{"texts"} : source_.class_names;
  const auto cut = cut_by_class(labels_of(source_.train), names, source_.validation, source_.per_class);
  if (source_.vocabulary.empty()) learn(cut.train);
  tokenizer_ = tokenizers().make(source_.tokenizer, source_.vocabulary);
  train_ = encode(source_.train, cut.train);
  valid_ = encode(source_.train, cut.valid);
  source_.train.clear();
}

std::string ClassifiedTexts::prepared(const std::string& text) const {
  return source_.lower_words ? words_of(text) : text;
}

void ClassifiedTexts::learn(const std::vector<int64_t>& places) {
  std::string all;
  for (const int64_t place : places) {
    const LabelledText& text = source_.train[static_cast<size_t>(place)];
    if (!all.empty()) all += ' ';
    all += prepared(text.text);
    if (source_.has_pairs) all += ' ' + prepared(text.second);
  }
  source_.vocabulary = learn_vocabulary(source_.tokenizer, all, source_.where);
}

FramedText ClassifiedTexts::framed(const LabelledText& text) const {
  const auto most = static_cast<size_t>(source_.length);
  const auto room = [most](const FramedText& frame) { return most - std::min(frame.ids.size(), most); };
  auto first = tokenizer_->encode(prepared(text.text), source_.where);
  FramedText result;
  if (source_.has_pairs) {
    auto second = tokenizer_->encode(prepared(text.second), source_.where);
    const auto [keep, keep_second] =
        cut_longest_first(first.size(), second.size(), room(tokenizer_->framed(std::vector<int64_t>(), {})));
    first.resize(keep), second.resize(keep_second);
    result = tokenizer_->framed(first, second);
  } else {
    first.resize(std::min(first.size(), room(tokenizer_->framed(std::vector<int64_t>()))));
    result = tokenizer_->framed(first);
  }
  const size_t size = std::min(result.ids.size(), most);  // less than all where the frame alone is longer
  result.ids.resize(size), result.types.resize(size);
  if (size == 0) result = {{0}, {0}};
  return result;
}

ClassifiedTexts::Part ClassifiedTexts::encode(const std::vector<LabelledText>& texts,
                                              const std::vector<int64_t>& places) const {
  Part part;
  for (const int64_t place : places) {
    const LabelledText& text = texts[static_cast<size_t>(place)];
    part.texts.push_back(framed(text));
    part.labels.push_back(text.label);
    part.targets.push_back(static_cast<float>(text.target));
  }
  return part;
}

const ClassifiedTexts::Part& ClassifiedTexts::part(Split split) const {
  if (split == Split::kTrain) return train_;
  if (split == Split::kValid) return valid_;
  const std::lock_guard lock(test_mutex_);
  if (test_ == nullptr) {
    const auto texts = source_.load_test();
    std::vector<int64_t> all(texts.size());
    std::iota(all.begin(), all.end(), int64_t{0});
    test_ = std::make_unique<Part>(encode(texts, all));
  }
  return *test_;
}

int64_t ClassifiedTexts::size(Split split) const { return static_cast<int64_t>(part(split).labels.size()); }

Batch ClassifiedTexts::get(Split split, const torch::Tensor& index_B) const {
  check_shape("dataset", "index_B", index_B, {"B"});
  const Part& texts = part(split);
  const auto count = static_cast<int64_t>(texts.labels.size());
  Batch batch;
  batch.index_B = index_B.to(torch::kCPU, torch::kInt64).contiguous();
  const int64_t B = batch.index_B.size(0);
  const int64_t* index = batch.index_B.const_data_ptr<int64_t>();
  int64_t S = 1;
  for (int64_t b = 0; b < B; ++b) {
    if (index[b] < 0 || index[b] >= count)
      throw ShapeError("dataset", fmt::format("index_B: expected 0 .. {} for the {} split, got {}",
                                              with_commas(count - 1), split_name(split), with_commas(index[b])));
    S = std::max(S, static_cast<int64_t>(texts.texts[static_cast<size_t>(index[b])].ids.size()));
  }
  auto id_BS = torch::zeros({B, S}, torch::kInt64), type_BS = torch::zeros({B, S}, torch::kInt64);
  batch.mask_BS = torch::zeros({B, S}, torch::kBool);
  batch.label_B = torch::empty({B}, has_numbers() ? torch::kFloat32 : torch::kInt64);
  bool* mask = batch.mask_BS.data_ptr<bool>();
  for (int64_t b = 0; b < B; ++b) {
    const auto at = static_cast<size_t>(index[b]);
    const auto& [ids, types] = texts.texts[at];
    std::copy(ids.begin(), ids.end(), id_BS.data_ptr<int64_t>() + b * S);
    std::copy(types.begin(), types.end(), type_BS.data_ptr<int64_t>() + b * S);
    std::fill_n(mask + b * S, ids.size(), true);
    if (has_numbers()) batch.label_B.data_ptr<float>()[b] = texts.targets[at];
    else batch.label_B.data_ptr<int64_t>()[b] = texts.labels[at];
  }
  batch.inputs = source_.has_pairs ? torch::stack({id_BS, type_BS}, 2) : id_BS;
  return batch;
}

torch::Tensor ClassifiedTexts::labels(Split split) const {
  return has_numbers() ? torch::zeros({0}, torch::kInt64) : torch::tensor(part(split).labels, torch::kInt64);
}

DataShape ClassifiedTexts::shape() const {
  auto shape = classified_shape(source_.class_names, source_.length, source_.tokenizer);
  shape.vocabulary = static_cast<int64_t>(source_.vocabulary.size());
  return shape;
}

}  // namespace heterodyne
