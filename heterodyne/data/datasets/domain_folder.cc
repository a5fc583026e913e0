// Pictures of the same classes in several domains, a folder for each class in a folder for each domain, as DomainBed
// (Gulrajani and Lopez-Paz 2021) lays them out: PACS/sketch/dog/1.jpg, PACS/photo/dog/2.jpg, ...
//
// One domain is held out as the test. The others are for training but for a share of each class of each of them, which
// is the validation: so a model is chosen without a look at the domain that it is tested on.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/image_tree.h"

namespace heterodyne {
namespace {

constexpr const char* kDomainFolder = "data.domain_folder";

struct DomainFolder {
  struct Options {
    std::string path;
    std::string held_out;
    int64_t split_seed = 0;
    PictureOptions pictures;
    void visit(Fields& field) {
      field("path", path, "the folder with a folder for each domain; looked for in the folders with data", required());
      field("held_out", held_out, "the domain that is the test; the others are trained and validated on", required());
      field("split_seed", split_seed, "which pictures of the other domains are for validation", at_least(0));
      pictures.visit(field);
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    options.pictures.shape(kDomainFolder);
    const std::string root = find_image_root(context, options.path, kDomainFolder, kHint);
    LabelledPaths train;
    std::vector<int64_t> domain_of;
    int64_t domain = 0;
    for (const auto& name : domains_in(root, options)) {
      if (name == options.held_out) continue;
      const auto part = list_classes(in(root, name), options.pictures.classes);
      train.paths.insert(train.paths.end(), part.paths.begin(), part.paths.end());
      train.labels.insert(train.labels.end(), part.labels.begin(), part.labels.end());
      domain_of.insert(domain_of.end(), part.paths.size(), domain++);
    }
    ImageSource source = options.pictures.source(context);
    source.train = options.pictures.read(train);
    source.load_test = [pictures = options.pictures, folder = in(root, options.held_out)] {
      return pictures.read(list_classes(folder, pictures.classes));
    };
    source.cut = cut_by_domain(source.train.label_N, torch::tensor(domain_of, torch::kInt64), source.class_names,
                               context.validation, context.per_class, static_cast<uint64_t>(options.split_seed));
    return std::make_unique<ImageDataset>(std::move(source));
  }
  static DataShape shape(const Options& options) { return options.pictures.shape(kDomainFolder); }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
  static constexpr const char* kHint = "Expected is FOLDER/DOMAIN/CLASS/PICTURE.jpg: --set data.path=FOLDER";

  static std::string in(const std::string& root, const std::string& name) {
    return (std::filesystem::path(root) / name).string();
  }

  // Two at least, the one that is held out among them.
  static std::vector<std::string> domains_in(const std::string& root, const Options& options) {
    const auto domains = folders_in(root);
    for (const auto& name : domains) {
      if (!pictures_in(in(root, name)).empty())
        throw FormatError::in_file(root, fmt::format("expected a folder for each domain with one for each class, got "
                                                     "pictures in \"{}\" itself. Is it the folder of one domain?",
                                                     name));
    }
    if (domains.size() < 2)
      throw FormatError::in_file(
          root, fmt::format("expected folders of two domains or more, got {}. {}", domains.size(), kHint));
    if (std::find(domains.begin(), domains.end(), options.held_out) != domains.end()) return domains;
    const std::string close = nearest(options.held_out, domains);
    throw ConfigError(kDomainFolder, "held_out",
                      fmt::format("expected one of {}, got \"{}\"{}", join(domains), options.held_out,
                                  close.empty() ? "" : "; nearest: \"" + close + "\""));
  }
};

}  // namespace

DatasetKind dataset_kind_domain_folder() {
  return dataset_kind<DomainFolder>("pictures of several domains, one of which is held out as the test (DomainBed)");
}

}  // namespace heterodyne
