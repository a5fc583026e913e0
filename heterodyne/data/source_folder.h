// SourceFolder: finds the folder, or the single file, in which a data set lies.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/data/dataset.h"

namespace heterodyne {

struct FolderSearch {
  std::string kind;                // "fashion_mnist"
  std::vector<std::string> names;  // what its folder may be called: "fashion-mnist"; empty text: anything
  std::vector<std::string> files;  // any one of them, plain, .gz or .xz, shows that it is the right folder
  std::string how_to_get;          // completes "To get it: "
};

/// The first folder with one of the files. Looked for are, for each folder F of the context in order: F itself when it
/// bears one of the names, then F/NAME for each name. Folders of other names are left alone, because MNIST and
/// Fashion-MNIST share their file names; a set whose file names are its own may give an empty name.
/// Throws FormatError that names each place it looked at and the way to get the files.
std::string find_source_folder(const DataContext& context, const FolderSearch& search);

/// The content of the file `name`, also .gz or .xz: as it stands when it is an absolute path, else in the folders in
/// order, then here. Nothing when there is none; throws what io::read_maybe_compressed() does.
std::optional<std::string> find_source_file(const std::vector<std::string>& folders, const std::string& name);

/// The same in the folders of the context. Throws FormatError of `where`: "NAME: not found (also tried .gz, .xz) in
/// FOLDERS. HINT", and what io::read_maybe_compressed() does.
std::string read_source_file(const DataContext& context, const std::string& name, const std::string& where,
                             const std::string& hint);

}  // namespace heterodyne
