// Compute: flags and steps that every verb shares that runs a network.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace heterodyne {
class Network;
}

namespace heterodyne::cli {

struct ComputeFlags {
  std::string data;
  int64_t threads = 0;
  bool quiet = false;
  bool no_progress = false;
  bool verbose = false;
  void visit(Fields& field) {
    field("data", data, "folder with data sets, searched first");
    field("threads", threads, "threads to compute with; 0: HETERODYNE_THREADS, or all cores", at_least(0));
    field("quiet", quiet, "no notes and no progress");
    field("no_progress", no_progress, "plain lines instead of a redrawn one");
    field("verbose", verbose, "show more; of an error inside LibTorch, where it comes from");
  }
};

/// Which trained model a verb works on: its first argument or, as the published scripts write it, --checkpoint_path.
struct ModelFlag {
  std::string model;
  std::string checkpoint_path;
  void visit(Fields& field) {
    field("model", model, "a run's folder (its best checkpoint) or a checkpoint's", positional());
    field("checkpoint_path", checkpoint_path, "the model again, as the published scripts name it");
  }

  /// The one that was given. Throws ConfigError when neither or both were: "eval: expected a run's folder ...".
  const std::string& path(const std::string& verb) const;
};

/// The --device flag of every verb that runs a network.
struct DeviceFlag {
  std::string device;
  void visit(Fields& field) {
    field("device", device, "where to compute; cpu, cuda or cuda:N; HETERODYNE_DEVICE, or cpu, by default");
  }
};

/// The --dtype flag of verbs that only use a model.
struct DtypeFlag {
  std::string dtype = "float32";
  void visit(Fields& field) {
    field("dtype", dtype,
          "what weights are kept in while the model is used; bf16 takes half of the memory, int8 a quarter",
          one_of("float32", "bf16", "int8", "int8_columns"));
  }
};
/// Makes the weights compact (heterodyne/model/compact.h) and says how much memory that saves. Throws what that does.
void use_dtype(const std::string& dtype, Network& network, Terminal& terminal);

/// The --dry-run flag.
struct DryRunFlag {
  bool dry_run = false;
  void visit(Fields& field) { field("dry_run", dry_run, "say what would be done, and do nothing"); }
};

/// Sets threads, quietness, verbosity and the kernel path. Throws ConfigError when HETERODYNE_THREADS is no number of
/// threads, and what use_isa() does.
void apply(const ComputeFlags& flags, const Invocation& invocation);

/// Uses the kernel path that HETERODYNE_ISA names, if any (heterodyne/ops/isa.h). Throws ConfigError when there is no
/// such name, DeviceError when this machine has no such path.
void use_isa(const Environment& environment);

/// From now on memory that was freed is kept for what asks next, up to a gigabyte. A training step frees and asks for
/// the same large blocks again and again, and pages that come anew from the system have to be cleared first: up to
/// 0.4 of a step's time where pictures are large. What the user chose (GLIBC_TUNABLES, MALLOC_TRIM_THRESHOLD_,
/// MALLOC_MMAP_THRESHOLD_) stays. Does nothing where the C library is not glibc.
void keep_freed_memory();

/// What was freed goes back to the system, now.
void return_freed_memory();

/// "cpu". Throws ConfigError when the flag, or HETERODYNE_DEVICE, is no device, DeviceError when this program cannot
/// compute there.
std::string device_of(const DeviceFlag& flag, const Environment& environment);

/// Where data sets are looked for: --data, HETERODYNE_DATA, ./data, Debian's folder of data sets.
std::vector<std::string> data_folders(const ComputeFlags& flags, const Environment& environment);

/// The process's memory in bytes.
int64_t resident_bytes();
/// The machine, the program and its command line in a few words, and as the text of environment.json.
Table environment_table(const Environment& environment);
std::string environment_json(const Environment& environment);

}  // namespace heterodyne::cli
