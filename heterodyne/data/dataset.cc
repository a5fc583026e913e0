#include "heterodyne/data/dataset.h"

namespace heterodyne {

std::vector<std::string> SourceFiles::names() const {
  auto all = train;
  all.insert(all.end(), test.begin(), test.end());
  return all;
}

Split split_named(const std::string& name) {
  if (name == split_name(Split::kTrain)) return Split::kTrain;
  return name == split_name(Split::kValid) ? Split::kValid : Split::kTest;
}

const char* split_name(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValid:
      return "valid";
    case Split::kTest:
      break;
  }
  return "test";
}

DatasetRegistry empty_datasets() { return DatasetRegistry("dataset", Schema::of<DataOptions>()); }

Table internal::own_data_settings(const Table& settings) {
  Table own = settings;
  own.erase("kind");
  for (const auto& shared : Schema::of<DataOptions>().list()) own.erase(shared.name);
  return own;
}

}  // namespace heterodyne
