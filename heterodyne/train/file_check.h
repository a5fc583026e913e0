// File check: are the files of a run, a checkpoint or a weight file what they were when they were written? Nothing is
// changed and no lock is taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heterodyne {

struct FileCheck {
  int64_t num_files = 0;
  std::vector<std::string> problems;  // "PATH: what is wrong", in the order in which files are looked at
};

/// Checks every file that can be checked. Of a run's folder: its configuration, environment and metrics read, the CRCs
/// of its event files hold, LAST and BEST name checkpoints; of each checkpoint sizes and SHA-256, and that state and
/// tensors read. `path` may also be a checkpoint's folder or a safetensors file. Throws FormatError when it is none of
/// these.
FileCheck check_files(const std::string& path);

}  // namespace heterodyne
