// heterodyne chat MODEL: a conversation with a language model, line by line.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/text/conversation.h"
#include "cli/text/likelihood.h"
#include "cli/text/sampling_flags.h"
#include "cli/view/trace.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne {
namespace {

constexpr const char* kAuto = "auto";

struct ChatFlags {
  cli::ModelFlag model;
  std::string form = kAuto;
  std::string system;
  cli::SamplingFlags sampling;
  cli::DtypeFlag dtype;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  void visit(Fields& field) {
    std::vector<std::string> forms = chat_template_names();
    forms.insert(forms.begin(), kAuto);
    model.visit(field);
    field("template", form, "how turns are written for the model; auto: as the symbols of its tokenizer say, or plain",
          one_of(forms));
    field("system", system, "what stands before the conversation");
    sampling.visit(field);
    dtype.visit(field);
    compute.visit(field);
    device.visit(field);
  }
};

// The first turn's choices come from the seed, later ones from those that follow it, so that equal messages need not
// get equal answers.
void answer(cli::Conversation& conversation, const ChatFlags& options, int64_t turn, const std::string& message,
            Network& network, cli::Terminal& terminal) {
  auto sampling = options.sampling.sampling();
  sampling.seed += static_cast<uint64_t>(turn);
  cli::Trace shown(network, terminal, false);  // makes control characters visible and characters whole
  const auto answer = conversation.answer(message, sampling, options.sampling.tokens,
                                          [&](const std::string& part) { shown.add(part, {}); });
  shown.finish();
  if (answer.has_forgotten) terminal.say("note: the conversation was longer than the model reads; it began anew");
  terminal.say(fmt::format("{} tokens   {:.1f} tokens/s{}", with_commas(answer.num_tokens),
                           static_cast<double>(answer.num_tokens) / std::max(answer.seconds, 1e-9),
                           answer.is_cut ? "   cut: more with --tokens" : ""));
}

int run_chat(const ChatFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::device_of(options.device, invocation.environment);
  cli::Terminal& terminal = invocation.terminal;
  const auto route = options.sampling.route("chat");
  const auto model = load_model(options.model.path("chat"), {}, terminal.log());
  cli::use_dtype(options.dtype.dtype, *model.network, terminal);
  const auto tokenizer = tokenizer_of(model.experiment);
  const Vocabulary& vocabulary = model.experiment.vocabulary;
  const ChatTemplate& form = options.form == kAuto ? chat_template_for(vocabulary) : chat_template_named(options.form);
  cli::Conversation conversation({*model.network, *tokenizer, vocabulary, cli::longest_text(model.experiment), route},
                                 form, options.system);
  const bool is_live = ::isatty(STDIN_FILENO) == 1;
  terminal.say(fmt::format("template {}{}", form.name,
                           is_live ? "   a line is a message; /new begins anew, /quit or Ctrl-D ends" : ""));
  int64_t turn = 0;
  for (std::string message;;) {
    if (is_live) terminal.print_part("> ");
    if (!std::getline(std::cin, message) || message == "/quit") break;
    if (message == "/new") {
      conversation.forget();
      continue;
    }
    if (message.find_first_not_of(" \t\r") == std::string::npos) continue;
    answer(conversation, options, turn++, message, *model.network, terminal);
  }
  if (is_live) terminal.print("");
  return 0;
}

}  // namespace

CommandKind command_kind_chat() {
  return command_kind<ChatFlags>("talk with a language model",
                                 "heterodyne chat models/llama\n"
                                 "heterodyne chat models/llama --temperature 0.6 --top-p 0.9 --system \"Briefly.\"\n"
                                 "heterodyne chat runs/lm-llama --template plain --route-k 1",
                                 run_chat);
}

}  // namespace heterodyne
