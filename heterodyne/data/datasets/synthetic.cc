// Synthetic images: a set that needs no files, learned by a small network in seconds, though not perfectly.
//
// Each class and channel has a pattern of low frequency: a sum of the eight cosines (u, v) != (0, 0), u, v < 3, of the
// two-dimensional DCT-II with standard normal amplitudes, brought to standard deviation 1. An image is its class's
// pattern plus independent Gaussian noise. The whole has mean 0.5 and standard deviation 0.18 before the pixels are
// cut to 0 .. 255, so half a percent of them is cut.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "heterodyne/data/image_set.h"

namespace heterodyne {
namespace {

constexpr double kMean = 0.5;
constexpr double kStd = 0.18;
constexpr int64_t kFrequencies = 3;

struct Synthetic {
  struct Options {
    int64_t examples = 4000;
    int64_t test_examples = 1000;
    int64_t classes = 10;
    int64_t channels = 1;
    int64_t size = 16;
    double noise = 4;
    int64_t data_seed = 0;
    Augment augment;
    void visit(Fields& field) {
      field("examples", examples, "training images, validation included", at_least(1));
      field("test_examples", test_examples, "test images", at_least(1));
      field("classes", classes, "classes, equally frequent", between(2, 1'000'000));
      field("channels", channels, "channels of an image", between(1, 16));
      field("size", size, "height and width of an image", between(4, 4096));
      field("noise", noise, "standard deviation of the noise; the patterns have 1", at_least(0));
      field("data_seed", data_seed, "another seed makes other patterns and other noise", at_least(0));
      field("augment", augment, "how training images are changed at random");
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    options.augment.check("data.synthetic", options.channels, options.size, options.size);
    ImageSource source;
    source.train = draw(options, "data.synthetic.train", options.examples);
    source.load_test = [options] { return draw(options, "data.synthetic.test", options.test_examples); };
    for (int64_t label = 0; label < options.classes; ++label) {
      source.class_names.push_back("class " + std::to_string(label));
    }
    const auto num_channels = static_cast<size_t>(options.channels);
    source.normalize = {std::vector<double>(num_channels, kMean), std::vector<double>(num_channels, kStd)};
    source.validation = context.validation;
    source.per_class = context.per_class;
    source.augment = options.augment;
    return std::make_unique<ImageDataset>(std::move(source));
  }
  static DataShape shape(const Options& options) {
    return {options.channels, options.size, options.size, options.classes};
  }
  static int64_t num_train(const Options& options) { return options.examples; }

 private:
  static RandomKey key_of(const Options& options) { return {static_cast<uint64_t>(options.data_seed), 0}; }

  // One pattern for each class and channel, one after the other.
  static std::vector<double> draw_patterns(const Options& options) {
    const int64_t num_patterns = options.classes * options.channels;
    const auto amplitudes =
        RandomStream("data.synthetic.pattern").normal(key_of(options), {num_patterns, kFrequencies, kFrequencies});
    const float* amplitude = amplitudes.const_data_ptr<float>();
    const auto cosine = [&](int64_t frequency, int64_t at) {
      return std::cos(std::numbers::pi * static_cast<double>(frequency) * (static_cast<double>(at) + 0.5) /
                      static_cast<double>(options.size));
    };
    std::vector<double> patterns;
    for (int64_t i = 0; i < num_patterns; ++i, amplitude += kFrequencies * kFrequencies) {
      const size_t begin = patterns.size();
      double squares = 0;
      for (int64_t y = 0; y < options.size; ++y) {
        for (int64_t x = 0; x < options.size; ++x) {
          double sum = 0;
          for (int64_t uv = 1; uv < kFrequencies * kFrequencies; ++uv) {
            sum += static_cast<double>(amplitude[uv]) * cosine(uv / kFrequencies, y) * cosine(uv % kFrequencies, x);
          }
          patterns.push_back(sum);
          squares += sum * sum;
        }
      }
      const double scale = std::sqrt(static_cast<double>(options.size * options.size) / squares);
      for (size_t p = begin; p < patterns.size(); ++p) patterns[p] *= scale;
    }
    return patterns;
  }

  static ImageSet draw(const Options& options, const char* stream, int64_t count) {
    const std::vector<double> patterns = draw_patterns(options);
    const int64_t pixels_per_image = options.channels * options.size * options.size;
    const auto noise = RandomStream(stream).normal(key_of(options), {count, pixels_per_image});
    const float* noise_at = noise.const_data_ptr<float>();
    const double scale = kStd / std::sqrt(1 + options.noise * options.noise);
    std::string pixels;
    std::vector<int64_t> labels;
    for (int64_t n = 0; n < count; ++n) {
      labels.push_back(n % options.classes);
      const double* pattern = patterns.data() + labels.back() * pixels_per_image;
      for (int64_t i = 0; i < pixels_per_image; ++i) {
        const double value = kMean + scale * (pattern[i] + options.noise * static_cast<double>(*noise_at++));
        pixels.push_back(static_cast<char>(static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)))));
      }
    }
    return image_set_of(std::move(pixels), labels, shape(options));
  }
};

}  // namespace

DatasetKind dataset_kind_synthetic() {
  return dataset_kind<Synthetic>("generated images: a pattern of low frequency for each class, under noise");
}

}  // namespace heterodyne
