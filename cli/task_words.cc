#include "cli/task_words.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <numbers>

namespace heterodyne::cli {

std::string TaskWords::measure(double loss) const {
  const std::string warning = sees_future ? "  (sees the future)" : "";
  if (task == Task::kCharacters) return fmt::format("  bits/char {:.3f}{}", loss / std::numbers::ln2, warning);
  if (task == Task::kWords) return fmt::format("  perplexity {:.1f}{}", std::exp(loss), warning);
  return "";
}

TaskWords task_words(const Experiment& experiment, Network& network) {
  const DataShape shape = network_shape(experiment);
  if (!shape.is_text()) return {};
  if (shape.num_classes != shape.vocabulary) return {Task::kTexts, false, shape.num_classes == 1};
  const Value* tokenizer = experiment.resolved.find_path("data.tokenizer.kind");
  const bool is_bytes = tokenizer && tokenizer->if_text() && *tokenizer->if_text() == "byte";
  return {is_bytes ? Task::kCharacters : Task::kWords, !network.is_causal()};
}

std::string score_text(const ClassificationMetrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics.scores()) {
    if (name == "loss") continue;
    if (!text.empty()) text += "   ";
    if (name == "accuracy") text += fmt::format("accuracy {:.2f} %", 100 * value);
    else if (name == "positive_f1") text += fmt::format("F1 {:.2f} %", 100 * value);
    else text += fmt::format("{}{} {:.4f}", static_cast<char>(std::toupper(name[0])), name.substr(1), value);
  }
  return text;
}

}  // namespace heterodyne::cli
