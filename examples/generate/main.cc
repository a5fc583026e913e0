// A language model in a program of one's own: reads a prompt, prints the first logits of what may follow it, and goes
// on with the most probable tokens.
//
//   generate MODEL PROMPT [TOKENS]     a run's folder or a checkpoint's, imported and converted models among them
#include <algorithm>
#include <charconv>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string_view>

#include "heterodyne/eval/generate.h"
#include "heterodyne/train/load_model.h"

using namespace heterodyne;

void print_logits(const torch::Tensor& logit_V) {
  std::cout << "logits" << std::fixed << std::setprecision(4);
  for (int64_t v = 0; v < std::min<int64_t>(8, logit_V.size(0)); ++v) std::cout << " " << logit_V[v].item<double>();
  std::cout << "\n";
}

// A whole number of at least 0.
std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::cerr << "usage: generate MODEL PROMPT [TOKENS]\n";
    return 2;
  }
  const auto tokens = number_of(argc > 3 ? argv[3] : "40");
  if (!tokens) {
    std::cerr << "generate: error: TOKENS: expected a whole number of at least 0, got \"" << argv[3] << "\"\n";
    return 2;
  }
  try {
    const TrainedModel model = load_model(argv[1]);
    const auto tokenizer = tokenizer_of(model.experiment);
    const auto prompt = tokenizer->framed(tokenizer->encode(argv[2], "prompt")).ids;

    Generator text(*model.network);
    text.read(prompt);
    print_logits(text.logits());
    int64_t before = prompt.back();
    for (int64_t i = 0; i < *tokens; ++i) {
      const int64_t id = text.next({.temperature = 0});
      std::cout << tokenizer->piece(id, before);
      before = id;
      text.read({id});
    }
    std::cout << "\nexperts of a token: " << std::setprecision(2) << text.mean_k() << "\n";
  } catch (const Error& error) {
    std::cerr << "generate: error: " << error.what() << "\n";
    return 1;
  }
}
