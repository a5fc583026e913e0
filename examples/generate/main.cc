// A language model in a program of one's own: reads a prompt, prints the first logits of what may follow it, and goes
// on with the most probable tokens.
//
//   generate MODEL PROMPT [TOKENS]     a run's folder or a checkpoint's, imported and converted models among them
#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <iostream>

#include "heterodyne/eval/generate.h"
#include "heterodyne/train/load_model.h"

using namespace heterodyne;

void print_logits(const torch::Tensor& logit_V) {
  std::cout << "logits" << std::fixed << std::setprecision(4);
  for (int64_t v = 0; v < std::min<int64_t>(8, logit_V.size(0)); ++v) std::cout << " " << logit_V[v].item<double>();
  std::cout << "\n";
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: generate MODEL PROMPT [TOKENS]\n";
    return 2;
  }
  try {
    const TrainedModel model = load_model(argv[1]);
    const auto tokenizer = tokenizer_of(model.experiment);
    const auto prompt = tokenizer->framed(tokenizer->encode(argv[2], "prompt")).ids;
    const int64_t tokens = argc > 3 ? std::atoll(argv[3]) : 40;

    Generator text(*model.network);
    text.read(prompt);
    print_logits(text.logits());
    int64_t before = prompt.back();
    for (int64_t i = 0; i < tokens; ++i) {
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
