// heterodyne verify FILE|RUN: are its files sound, does resuming it change nothing, can it be repeated. Exit code 4
// when a check fails.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/file_check.h"
#include "heterodyne/train/rehearsal.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

struct VerifyFlags {
  std::string path;
  bool checksums = false;
  bool resume = false;
  bool determinism = false;
  int64_t steps = 20;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("path", path, "a run's folder, a checkpoint's or a safetensors file", positional(), required());
    field("checksums", checksums, "check that every file is what it was when it was written");
    field("resume", resume, "train some steps at once and with a break in the middle, and compare every value");
    field("determinism", determinism, "train some steps twice, route with one and with several threads, and compare");
    field("steps", steps, "steps that are trained", between(2, 1'000'000));
    compute.visit(field);
    device.visit(field);
    format.visit(field);
  }
};

struct Result {
  std::string check;
  bool is_ok = false;
  std::string text;
  bool is_skipped = false;
};

// Gone with its owner.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "heterodyne-verify-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw DeviceError(name + ": cannot be made");
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The checkpoint to start from: itself, or the newest of a run; "" when it is a file.
std::string checkpoint_in(const std::string& path) {
  if (fs::exists(path + "/manifest.json")) return path;
  const CheckpointFolder checkpoints(path + "/checkpoints");
  const auto steps = checkpoints.steps();
  return steps.empty() ? "" : checkpoints.folder_of(steps.back());
}

void add_files(const std::string& path, std::vector<Result>& results) {
  const FileCheck files = check_files(path);
  if (files.problems.empty()) {
    results.push_back({"checksums", true, with_commas(files.num_files) + (files.num_files == 1 ? " file" : " files")});
  }
  for (const auto& problem : files.problems) results.push_back({"checksums", false, problem});
}

Result result_of(const std::string& check, const std::string& claim, const Difference& difference,
                 const std::string& unit) {
  std::string text = fmt::format("{}, {} of {} {} differ", claim, with_commas(difference.num_different),
                                 with_commas(difference.num_values), unit);
  if (difference.num_different > 0) text += "; first: " + difference.first;
  return {check, difference.num_different == 0, text};
}

void add_rehearsals(const VerifyFlags& options, const std::string& folder, const cli::Invocation& invocation,
                    std::vector<Result>& results) {
  const auto checkpoint = read_checkpoint(folder);
  const bool all = !options.resume && !options.determinism;
  std::unique_ptr<Dataset> dataset;
  try {
    dataset = make_dataset(experiment_of(checkpoint), cli::data_folders(options.compute, invocation.environment),
                           invocation.terminal.log());
  } catch (const FormatError& error) {
    if (!all) throw;
    // Nobody asked for training by name; a model that was given away comes without its texts.
    results.push_back(
        {"resume", true, fmt::format("steps of training, whose data are not here: {}", error.what()), true});
    return;
  }
  Rehearsal rehearsal({checkpoint, *dataset, options.steps});
  const std::string step = with_commas(checkpoint.state.step), steps = with_commas(options.steps);
  if (options.resume || all) {
    const ScratchFolder scratch;
    results.push_back(result_of("resume",
                                fmt::format("resume at step {} equals unbroken run over {} steps", step, steps),
                                rehearsal.resume_difference(scratch.path()), "values"));
  }
  if (!options.determinism && !all) return;
  results.push_back(result_of("determinism", fmt::format("{} steps from step {} give the same twice", steps, step),
                              rehearsal.repeat_difference(), "values"));
  const int threads = std::max(2, at::get_num_threads());
  results.push_back(result_of("threads", fmt::format("routing plans are equal for 1 and {} threads", threads),
                              rehearsal.plan_difference(threads), "tokens"));
}

void print(const std::vector<Result>& results, const std::string& format, cli::Terminal& terminal) {
  if (format == "table") {
    for (const auto& result : results) {
      const char* mark = result.is_skipped ? "skipped " : result.is_ok ? "ok      " : "FAILED  ";
      terminal.print(mark + result.text);
    }
    return;
  }
  cli::Rows rows{{"check", "ok", "result"}, {}};
  for (const auto& result : results)
    rows.rows.push_back({result.check, result.is_ok, (result.is_skipped ? "skipped: " : "") + result.text});
  cli::print_rows(terminal, rows, format);
}

int run_verify(const VerifyFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::device_of(options.device, invocation.environment);
  if (!fs::exists(options.path)) throw FormatError::in_file(options.path, "no such file or folder");
  const bool all = !options.checksums && !options.resume && !options.determinism;
  const std::string checkpoint = checkpoint_in(options.path);
  if ((options.resume || options.determinism) && checkpoint.empty())
    throw FormatError::in_file(options.path, "expected a run's folder with a checkpoint, or a checkpoint");

  std::vector<Result> results;
  if (options.checksums || all) add_files(options.path, results);
  const auto failed = [](const Result& result) { return !result.is_ok; };
  // What is damaged cannot be trained on.
  const bool is_sound = std::none_of(results.begin(), results.end(), failed);
  if (is_sound && !checkpoint.empty() && (all || options.resume || options.determinism))
    add_rehearsals(options, checkpoint, invocation, results);
  print(results, options.format.format, invocation.terminal);
  const auto first = std::find_if(results.begin(), results.end(), failed);
  if (first == results.end()) return 0;
  throw CheckError(fmt::format("verify: {} of {} checks failed; first: {}",
                               std::count_if(results.begin(), results.end(), failed), results.size(), first->text));
}

}  // namespace

CommandKind command_kind_verify() {
  return command_kind<VerifyFlags>(
      "check files, exact resuming and repeatability of a run",
      "heterodyne verify runs/demo\nheterodyne verify runs/demo --checksums\nheterodyne verify "
      "runs/demo --resume --steps 50",
      run_verify);
}

}  // namespace heterodyne
