// Task report: the tasks of `heterodyne eval MODEL --tasks ...`, run one after the other, and what is shown and written
// of them.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "cli/text/task_files.h"
#include "heterodyne/base/rows.h"
#include "heterodyne/eval/harness/run_task.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne::cli {

struct TaskRequest {
  std::vector<std::string> tasks;  // names or files
  int64_t shots = 0;               // examples before each question
  int64_t limit = 0;               // rows of each task; 0: all
  bool skips_bad = false;
  std::string out;                   // the folder that is written; empty for none
  std::vector<std::string> folders;  // with data
  std::string compare = {};          // a model that is measured too
  std::string dtype = "float32";     // of both models' weights: see DtypeFlag
};

/// Of one task.
struct TaskOutcome {
  std::string task;
  TaskResult result;
};

class TaskRunner {
 public:
  TaskRunner(const TaskRequest& request, Terminal& terminal) : request_(request), terminal_(terminal) {}

  /// All tasks of a model, its folder named `path`. Into `out`, when there is one, go the cache and the samples of each
  /// task as soon as it is done. Fewer than were asked for when the user stopped it.
  std::vector<TaskOutcome> run(const std::string& path, const TrainedModel& model);

 private:
  TaskOutcome run_one(const FoundTask& found, const TaskModel& model, ScoreCache* cache);

  TaskRequest request_;
  Terminal& terminal_;
};

/// One row for each measure of each task, and where there are several tasks the mean of what they are compared by.
Rows outcome_rows(const std::vector<TaskOutcome>& outcomes);

/// One row for each task: both models, and the difference on the rows that both have, with its 95 % interval.
Rows difference_rows(const std::vector<TaskOutcome>& first, const std::vector<TaskOutcome>& second,
                     const std::string& first_name, const std::string& second_name);

/// Runs the tasks of the model at `path`, and of the other one, prints what was found in the format, and writes
/// eval.json into `out`, when there is one. Returns the exit code.
int run_tasks(const std::string& path, TaskRequest request, const std::string& format, Terminal& terminal);

}  // namespace heterodyne::cli
