// Dataset: labelled examples in three splits, as batches. Each kind is one file in datasets/; the file's stem is its
// name in configs and in `heterodyne ls datasets`.
//
// The validation split is cut from the training files, stratified by class and the same for every seed; where several
// examples share an image, by image instead. The test files are opened only when the test split is asked for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/log.h"
#include "heterodyne/base/registry.h"
#include "heterodyne/data/tokenizer.h"

namespace heterodyne {

enum class Split { kTrain, kValid, kTest };

/// "train", "valid" or "test".
const char* split_name(Split split);
/// The split of that name; the test split for any other.
Split split_named(const std::string& name);

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Number of examples. Throws FormatError when the split's files are missing or damaged.
  virtual int64_t size(Split split) const = 0;
  /// The examples whose places are in index_B (int64, CPU), in that order; sets inputs, label_B and index_B. Safe to
  /// call from several threads. Throws ShapeError unless 0 <= index < size(split), FormatError as size() does.
  virtual Batch get(Split split, const torch::Tensor& index_B) const = 0;
  /// Examples of the training split, as get() gives them, changed at random as the data set's settings say; by default
  /// not at all. What becomes of an example depends on `key` (the seed, and the epoch as its step) and on its index_B
  /// alone, so not on its batch. Where examples are mixed with others label_B becomes the classes' shares, float32
  /// [B, Y]. Safe to call from several threads.
  virtual Batch get_augmented(const torch::Tensor& index_B, RandomKey key) const {
    static_cast<void>(key);
    return get(Split::kTrain, index_B);
  }
  /// int64 [size(split)], CPU; empty where examples have no class. Throws FormatError as size() does.
  virtual torch::Tensor labels(Split split) const = 0;
  virtual DataShape shape() const = 0;
  /// One name for each class, in the order of the labels; none where examples have no class.
  virtual const std::vector<std::string>& class_names() const = 0;
  /// Of each class, of what sort it is, where there are several: "colour", "shape". Otherwise empty.
  virtual std::vector<std::string> class_types() const { return {}; }
  /// Of texts, those beside images too; nullptr for others.
  virtual const Vocabulary* vocabulary() const { return nullptr; }
  /// Whether examples continue those before them, so that they must come in order.
  virtual bool is_sequential() const { return false; }
};

/// Settings that every data set shares.
struct DataOptions {
  int64_t batch = 128;
  double validation = 0.1;
  int64_t per_class = 0;
  int64_t per_class_seed = 0;
  int64_t workers = 1;
  void visit(Fields& field) {
    field("batch", batch, "examples in a batch", at_least(1));
    field("validation", validation, "share of the training examples kept for validation", between(0, 0.9));
    field("per_class", per_class,
          "so many training examples of each class, drawn from those that validation leaves; 0: all", at_least(0));
    field("per_class_seed", per_class_seed, "which ones are drawn", at_least(0),
          effective_when(per_class > 0, "per_class = 0"));
    field("workers", workers, "threads that prepare batches ahead; the batches are the same with any number",
          between(1, 64));
  }
};

/// A balanced part of the training split: so many examples of each class; all of them when there is no count.
struct PerClass {
  int64_t count = 0;
  int64_t seed = 0;
};

/// Where data may lie, and who is told about it.
struct DataContext {
  std::vector<std::string> folders;  // searched in order
  double validation = 0.1;
  Log log;
  int64_t batch = 1;  // examples in a batch
  PerClass per_class = {};
  /// Of a model that knows one: classified texts are read with it. Empty: it is learned from the training texts.
  Vocabulary vocabulary = {};
};

/// How images lie in files: as the arrays of MNIST (io/idx.h), or as CIFAR's records of a label and its pixels.
enum class ImageFormat { kIdx, kCifar };

/// The files that a data set is read from, as its authors name them; each may be there as .gz or .xz too. Files for
/// training come first.
struct SourceFiles {
  ImageFormat format = ImageFormat::kIdx;
  std::vector<std::string>
      folders;  // what their folder may be called; empty text: anything; of the others the first is usual
  std::vector<std::string> train;  // names of the files
  std::vector<std::string> test;
  std::string how_to_get;

  std::vector<std::string> names() const;
};

struct DatasetKind {
  std::string summary;
  Schema schema;
  /// Opens the training files. Throws FormatError when they are missing or damaged.
  std::function<std::unique_ptr<Dataset>(const Table& settings, const Place&, const DataContext&)> make;
  /// The same as shape() of the data set made from these settings, without reading it. The settings may hold `kind` and
  /// those that every data set shares.
  std::function<DataShape(const Table& settings, const Place&)> shape;
  /// Training examples of the complete set, validation included. Settings as for `shape`.
  std::function<int64_t(const Table& settings, const Place&)> num_train;
  std::optional<SourceFiles> files = {};  // nothing for a set that needs none
};
using DatasetRegistry = Registry<DatasetKind>;

/// The built-in kinds.
const DatasetRegistry& datasets();
DatasetRegistry empty_datasets();

namespace internal {
/// The settings of the member alone: without `kind` and the shared ones.
Table own_data_settings(const Table& settings);
}  // namespace internal

/// What a member file returns: its kind, from a struct with its `Options` and three static functions,
/// `make(options, context)`, `shape(options)` and `num_train(options)`, and, when it is read from files, `files()`.
template <class Source>
DatasetKind dataset_kind(std::string summary) {
  using Options = typename Source::Options;
  const auto read = [](const Table& settings, const Place& place) {
    return read_options<Options>(internal::own_data_settings(settings), place);
  };
  DatasetKind kind;
  kind.summary = std::move(summary);
  kind.schema = Schema::of<Options>();
  kind.make = [read](const Table& settings, const Place& place, const DataContext& context) {
    return Source::make(read(settings, place), context);
  };
  kind.shape = [read](const Table& settings, const Place& place) { return Source::shape(read(settings, place)); };
  kind.num_train = [read](const Table& settings, const Place& place) {
    return Source::num_train(read(settings, place));
  };
  if constexpr (requires { Source::files(); }) kind.files = Source::files();
  return kind;
}

}  // namespace heterodyne
