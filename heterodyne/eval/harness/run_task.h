// Running a task: every choice is scored behind its context, and what was found becomes measures with standard errors.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/data/tokenizer.h"
#include "heterodyne/eval/harness/eval_task.h"
#include "heterodyne/eval/harness/score_cache.h"
#include "heterodyne/eval/log_likelihood.h"

namespace heterodyne {

/// What scores: a model of text in eval mode.
struct TaskModel {
  Network& network;
  const Tokenizer& tokenizer;
  int64_t most = 2048;              // symbols that it reads at once
  int64_t tokens_per_batch = 4096;  // see ScoringOptions
};

struct ScoredItem {
  EvalItem item;
  std::vector<Likelihood> likelihoods;  // of each choice
  std::vector<int64_t> num_tokens;      // of each continuation

  /// acc, acc_norm or acc_bytes: whether the best choice by that measure is the right one.
  bool is_right(const std::string& metric) const;
};

struct TaskMetric {
  std::string name;
  double value = 0;
  std::optional<double> standard_error = {};  // none of a single row
};

struct TaskResult {
  bool is_complete = true;  // false when it was stopped: `items` and `metrics` are empty
  int64_t num_skipped = 0;  // rows with a choice that is longer than the model reads at once
  std::vector<ScoredItem> items;
  std::vector<TaskMetric>
      metrics;  // the task's own first; acc, acc_norm, acc_bytes and bits_per_byte, of which the last
                // is of the right choices; or of texts word_perplexity, byte_perplexity, bits_per_byte
};

struct TaskRun {
  ScoreCache* cache = nullptr;  // may be null
  bool skips_bad = false;
  /// Told how many scores are known, of how many; false stops it. May be empty.
  std::function<bool(int64_t done, int64_t total)> on_progress = {};
};

/// Shares are means over the rows, with the standard error of a mean; bits per byte and perplexities are of sums over
/// all rows, with the standard error of a ratio (linearised). Throws FormatError naming the row whose continuation has
/// no symbol or more than the model reads at once, unless bad ones are skipped.
TaskResult run_task(const EvalTask& task, std::vector<EvalItem> items, const TaskModel& model, const TaskRun& run);

/// One row as a line of the samples' file: its place, contexts, choices with log-likelihoods, lengths and whether each
/// was the greedy one, the right one, and what was found.
Table sample_table(const EvalTask& task, const ScoredItem& scored);

}  // namespace heterodyne
