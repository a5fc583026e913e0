#include "heterodyne/train/transfer/episodes.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/permutation.h"

namespace heterodyne {
namespace {

constexpr const char* kClasses = "fewshot.classes";
constexpr const char* kExamples = "fewshot.examples";

std::vector<std::vector<int64_t>> places_by_class(const torch::Tensor& label_N, size_t num_classes) {
  std::vector<std::vector<int64_t>> places(num_classes);
  const auto labels = label_N.to(torch::kInt64).contiguous();
  for (int64_t n = 0; n < labels.numel(); ++n)
    places.at(static_cast<size_t>(labels.const_data_ptr<int64_t>()[n])).push_back(n);
  return places;
}

// A few examples under one label, one after the other.
class Places {
 public:
  void add(int64_t index, int64_t label) {
    index_.push_back(index);
    label_.push_back(label);
  }
  LabelledPlaces take() const { return {torch::tensor(index_, torch::kInt64), torch::tensor(label_, torch::kInt64)}; }

 private:
  std::vector<int64_t> index_, label_;
};

[[noreturn]] void fail_shots(const std::string& name, size_t has, int64_t shots, int64_t queries) {
  if (has == 0)
    throw ConfigError("fewshot", "shot", fmt::format("expected examples of every class, \"{}\" has none", name));
  const std::string beside = queries > 0 ? fmt::format(" beside {} queries", queries) : "";
  throw ConfigError("fewshot", "shot",
                    fmt::format("expected at most {} examples of the class \"{}\"{}, got {}",
                                with_commas(std::max<int64_t>(0, static_cast<int64_t>(has) - queries)), name, beside,
                                with_commas(shots)));
}

}  // namespace

EpisodeSampler::EpisodeSampler(const torch::Tensor& label_N, const std::vector<std::string>& class_names,
                               EpisodeOptions options)
    : options_(options) {
  auto places = places_by_class(label_N, class_names.size());
  for (size_t y = 0; y < places.size(); ++y) {
    if (places[y].empty()) continue;
    if (static_cast<int64_t>(places[y].size()) < options.shots + options.queries)
      fail_shots(class_names[y], places[y].size(), options.shots, options.queries);
    classes_.push_back(static_cast<int64_t>(y));
    places_.push_back(std::move(places[y]));
  }
  const auto count = static_cast<int64_t>(classes_.size());
  if (options.ways < 2 || options.ways > count)
    throw ConfigError("fewshot", "way",
                      fmt::format("expected 2 .. {}, the classes with examples, got {}", count, options.ways));
}

Episode EpisodeSampler::draw(int64_t number) const {
  const auto step = static_cast<uint64_t>(number);
  const auto Y = static_cast<int64_t>(classes_.size());
  const auto order = permutation(Y, RandomStream(kClasses), {options_.seed, step});
  const RandomStream stream(kExamples);
  Episode episode;
  Places support, query;
  for (int64_t w = 0; w < options_.ways; ++w) {
    const auto c = static_cast<size_t>(order[static_cast<size_t>(w)]);
    episode.classes.push_back(classes_[c]);
    const auto& places = places_[c];
    const auto drawn = permutation(static_cast<int64_t>(places.size()), stream,
                                   {options_.seed, step * static_cast<uint64_t>(Y) + static_cast<uint64_t>(c)});
    for (int64_t i = 0; i < options_.shots + options_.queries; ++i) {
      const int64_t place = places[static_cast<size_t>(drawn[static_cast<size_t>(i)])];
      (i < options_.shots ? support : query).add(place, w);
    }
  }
  episode.support = support.take();
  episode.query = query.take();
  return episode;
}

Episode balanced_draw(const torch::Tensor& support_label_N, const torch::Tensor& query_label_N,
                      const std::vector<std::string>& class_names, int64_t shots, uint64_t seed, int64_t number) {
  const auto places = places_by_class(support_label_N, class_names.size());
  const RandomStream stream(kExamples);
  Episode episode;
  Places support;
  for (size_t y = 0; y < places.size(); ++y) {
    const auto has = static_cast<int64_t>(places[y].size());
    if (has < shots) fail_shots(class_names[y], places[y].size(), shots, 0);
    const uint64_t step = static_cast<uint64_t>(number) * places.size() + y;
    const auto drawn = permutation(has, stream, {seed, step});
    for (int64_t i = 0; i < shots; ++i)
      support.add(places[y][static_cast<size_t>(drawn[static_cast<size_t>(i)])], static_cast<int64_t>(y));
    episode.classes.push_back(static_cast<int64_t>(y));
  }
  episode.support = support.take();
  episode.query = {torch::arange(query_label_N.numel()), query_label_N};
  return episode;
}

}  // namespace heterodyne
