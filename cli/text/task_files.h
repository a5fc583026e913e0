// Task files: the tasks that come with the program, those of a user, and where their rows lie.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "heterodyne/base/rows.h"
#include "heterodyne/eval/harness/eval_task.h"

namespace heterodyne::cli {

/// The TOML of every task by name, "arc_easy". Written by the build from configs/tasks/.
const std::map<std::string, std::string>& task_texts();

/// A task's name and the sentence about it.
Rows task_list();

/// A task with the place of its file; none of those that come with the program.
struct FoundTask {
  EvalTask task;
  std::string folder;
};
/// `name` is a file or the name of a task; a file may lie over another by its key `base`, which may be a name too.
/// Throws ConfigError, for an unknown name with the nearest task.
FoundTask find_task(const std::string& name);

/// The content of a task's file of rows: beside the task's own file, in the folders with data, or where it says; also
/// as .gz or .xz. Throws FormatError when it is nowhere.
std::string read_rows(const FoundTask& task, const std::string& path, const std::vector<std::string>& folders);

}  // namespace heterodyne::cli
