#include "cli/sweep/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <thread>
#include <utility>

#include "cli/comparison.h"
#include "cli/progress.h"
#include "cli/stop.h"
#include "cli/sweep/child.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"

namespace heterodyne::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks{20};

// The last error that the run's process printed; otherwise how it ended.
std::string reason_of(const std::string& log, int code) {
  constexpr std::string_view kMark = "heterodyne: error: ";
  std::string last =
      code > kBySignal ? fmt::format("ended by signal {}", code - kBySignal) : fmt::format("exit code {}", code);
  for (const auto& line : split(io::read_file(log), '\n')) {
    if (line.starts_with(kMark)) last = line.substr(kMark.size());
  }
  return last;
}

struct Going {
  const SweepRun* run = nullptr;
  Child child;
  Clock::time_point begin;
};

class Runner {
 public:
  Runner(const SweepJob& job, Terminal& terminal) : job_(job), terminal_(terminal) {
    for (const auto& run : job.runs) {
      const RunState state = progress_of(run, path_of(run)).state;
      if (is_to_do(state, job.rerun_failed) || state == RunState::kBusy) waiting_.push_back(&run);
      else if (state == RunState::kFailed) end_.failed.push_back(run.folder);
      else ++num_ended_;
    }
    num_ended_ += static_cast<int64_t>(end_.failed.size());
  }

  SweepEnd run() {
    while (!waiting_.empty() || !going_.empty()) {
      if (stop_requested() && !is_stopping_) stop();
      start_what_fits();
      take_ended();
      show();
      std::this_thread::sleep_for(kBetweenLooks);
    }
    terminal_.clear_progress();
    return std::move(end_);
  }

 private:
  std::string path_of(const SweepRun& run) const { return (fs::path(job_.folder) / run.folder).string(); }
  std::string log_of(const SweepRun& run) const {
    return (fs::path(job_.folder) / ".logs" / (run.folder + ".txt")).string();
  }

  void stop() {
    is_stopping_ = end_.is_interrupted = true;
    waiting_.clear();
    for (const auto& going : going_) going.child.ask_to_end();
    if (!going_.empty()) terminal_.say(fmt::format("ending: {} save{}", names(), going_.size() == 1 ? "s" : ""));
  }

  // Runs that another process works on are passed over for now.
  void start_what_fits() {
    for (size_t i = 0; i < waiting_.size() && static_cast<int64_t>(going_.size()) < job_.jobs;) {
      const SweepRun& run = *waiting_[i];
      if (io::FolderLock::is_held(path_of(run))) {
        if (!std::exchange(is_waiting_said_, true))
          terminal_.say(fmt::format("another process works on {}; it is waited for", run.folder));
        ++i;
        continue;
      }
      const RunState state = progress_of(run, path_of(run)).state;
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      if (state == RunState::kDone) ++num_ended_;  // by that process
      else start(run, state);
    }
  }

  void start(const SweepRun& run, RunState state) {
    io::write_file(log_of(run), "");
    going_.push_back({&run, Child(train_words(run, path_of(run), state, job_.child_flags), log_of(run)), Clock::now()});
  }

  void take_ended() {
    for (size_t i = 0; i < going_.size();) {
      const auto code = going_[i].child.poll();
      if (!code) {
        ++i;
        continue;
      }
      tell(going_[i], *code);
      going_.erase(going_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void tell(const Going& going, int code) {
    const SweepRun& run = *going.run;
    const std::string place = fmt::format("[{}/{}] {}", num_ended_ + 1, job_.runs.size(), run.folder);
    if (code == 0) {
      ++num_ended_;
      const double seconds = std::chrono::duration<double>(Clock::now() - going.begin).count();
      const auto accuracy = outcome_of(read_run(path_of(run)), run.folder).valid_accuracy;
      terminal_.say(fmt::format("{}   done in {}{}", place, duration_text(seconds),
                                accuracy ? fmt::format("   best valid accuracy {:.2f} %", 100 * *accuracy) : ""));
      std::error_code ignored;
      fs::remove(log_of(run), ignored);
    } else if (code == kInterrupted || (is_stopping_ && code > kBySignal)) {
      end_.is_interrupted = true;
      terminal_.say(run.folder + ": interrupted");
    } else {
      ++num_ended_;
      end_.failed.push_back(run.folder);
      terminal_.warn(fmt::format("{}   failed: {}. All it said: {}", place, reason_of(log_of(run), code), log_of(run)));
    }
  }

  std::string names() const {
    std::vector<std::string> names;
    for (const auto& going : going_) names.push_back(going.run->folder);
    return join(names);
  }

  void show() {
    if (!going_.empty()) terminal_.progress(fmt::format("{}/{} ended; now {}", num_ended_, job_.runs.size(), names()));
  }

  const SweepJob& job_;
  Terminal& terminal_;
  std::deque<const SweepRun*> waiting_;
  std::vector<Going> going_;
  SweepEnd end_;
  int64_t num_ended_ = 0;
  bool is_waiting_said_ = false;
  bool is_stopping_ = false;
};

}  // namespace

bool is_to_do(RunState state, bool rerun_failed) {
  return state == RunState::kNew || state == RunState::kStopped || (state == RunState::kFailed && rerun_failed);
}

std::vector<std::string> train_words(const SweepRun& run, const std::string& path, RunState state,
                                     const std::vector<std::string>& flags) {
  std::vector<std::string> words{"train"};
  if (state == RunState::kNew) {
    words.push_back(run.config);
    for (const auto& setting : run.settings) words.insert(words.end(), {"--set", setting});
    words.insert(words.end(), {"--out", path});
  } else {
    words.insert(words.end(), {"--resume", path});
  }
  words.insert(words.end(), flags.begin(), flags.end());
  return words;
}

SweepEnd run_sweep(const SweepJob& job, Terminal& terminal) {
  std::error_code error;
  fs::create_directories(fs::path(job.folder) / ".logs", error);
  if (error) throw DeviceError(job.folder + "/.logs: cannot be made: " + error.message());
  return Runner(job, terminal).run();
}

}  // namespace heterodyne::cli
