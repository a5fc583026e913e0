// DataFolder: brings the files of a data set, as their authors' archives unpack them, into the layout that is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/log.h"
#include "heterodyne/data/dataset.h"

namespace heterodyne::cli {

struct FoundFile {
  std::string name;                 // as the set's authors call it, without .gz or .xz
  std::optional<std::string> path;  // where it was found
  std::string damage;               // why it cannot be used, or nothing
};

/// Looks for each of the files below `folder`, folders in folders included: NAME, NAME.gz, NAME.xz; a dot in the place
/// of the last dash but one counts as it ("train-images.idx3-ubyte"). Compressed ones are expanded to see whether they
/// are whole. Of several, the one nearest to the top is taken. Throws FormatError when `folder` cannot be read.
std::vector<FoundFile> find_files(const std::string& folder, const SourceFiles& files);

struct PrepareRequest {
  std::string kind;
  std::vector<FoundFile> found;
  std::string out;  // the folder of data sets
  bool link = false;
};

/// Puts the files that were found into OUT/FOLDER, FOLDER being the set's usual name, with a manifest.json of their
/// sizes and SHA-256. Before they get that name the data set itself reads them, so nothing is left of files that it
/// refuses. The sources are read, or linked to, and never changed. Returns the folder.
/// Throws ConfigError when it exists already, FormatError as the data set does, DeviceError when the disk refuses.
std::string prepare_folder(const PrepareRequest& request, const Log& log);

/// The settings with which the set is opened when some of its files may be missing.
Table lenient_settings(const std::string& kind);

}  // namespace heterodyne::cli
