// TaskWords: what lines for people call the examples of a task, and its own measure.
#pragma once

#include <string>

#include "heterodyne/eval/metrics.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli {

/// Of a text: what comes next, or the text's class.
enum class Task { kImages, kCharacters, kWords, kTexts };

struct TaskWords {
  Task task = Task::kImages;
  bool sees_future = false;  // a language model that reads what it is to predict
  bool has_numbers = false;  // in the place of classes

  /// "images", "texts", "tokens"
  std::string examples() const { return task == Task::kImages ? "images" : task == Task::kTexts ? "texts" : "tokens"; }
  /// "img/s", "texts/s", "tok/s"
  std::string rate() const { return task == Task::kImages ? "img/s" : task == Task::kTexts ? "texts/s" : "tok/s"; }
  /// Of a mean loss in nats, two spaces before it: "  bits/char 2.12", "  perplexity 117.3"; empty for classes. Says
  /// so when the model sees the future.
  std::string measure(double loss) const;
};

TaskWords task_words(const Experiment& experiment, Network& network);

/// What is said of answers beside their loss: "accuracy 57.19 %", of two classes "accuracy 85.05 %   F1 89.31 %
/// Matthews 0.6504" (F1 of the second class), of numbers "Pearson 0.8512   Spearman 0.8470".
std::string score_text(const ClassificationMetrics& metrics);

}  // namespace heterodyne::cli
