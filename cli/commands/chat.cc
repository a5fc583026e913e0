// heterodyne chat MODEL: a conversation with a language model, line by line.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <optional>

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

constexpr const char *kAuto = "auto", *kJinja = ".jinja";

struct ChatFlags {
  cli::ModelFlag model;
  std::string form = kAuto;
  std::string system;
  cli::SamplingFlags sampling;
  cli::DtypeFlag dtype;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  void visit(Fields& field) {
    model.visit(field);
    field("template", form,
          "how turns are written for the model: " + join(chat_template_names()) +
              " or FILE.jinja. auto: as it was tuned, else by the template that the model brings, else as the symbols "
              "of its tokenizer say, or plain");
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

// What was asked for; in the place of "auto" the built-in form that the model was tuned with, if it was with one.
std::string form_of(const std::string& asked, const Experiment& experiment) {
  auto known = chat_template_names();
  const std::string tuned = chat_form(experiment);
  if (asked == kAuto && std::find(known.begin(), known.end(), tuned) != known.end()) return tuned;
  known.insert(known.begin(), kAuto);
  if (asked.ends_with(kJinja) || std::find(known.begin(), known.end(), asked) != known.end()) return asked;
  const std::string close = nearest(asked, known);
  throw ConfigError("chat", "template",
                    fmt::format("expected FILE.jinja or one of {}, got \"{}\"{}", join(known), asked,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

// The template that the model brings or that a file holds; nothing for one of the built-in.
std::optional<ModelTemplate> own_template(const std::string& form, const Experiment& experiment) {
  const std::string& config = experiment.tokenizer_config;
  if (form.ends_with(kJinja)) return ModelTemplate::of_file(form, config);
  if (form != kAuto || config.empty()) return std::nullopt;
  try {
    return ModelTemplate(config, "the model's chat template");
  } catch (const FormatError& error) {
    throw FormatError(std::string(error.what()) + "; --template plain does without it");
  }
}

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return local;
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
  const std::string chosen = form_of(options.form, model.experiment);
  const auto own = own_template(chosen, model.experiment);
  const ChatTemplate& form = own || chosen == kAuto ? chat_template_for(vocabulary) : chat_template_named(chosen);
  const cli::Speaker speaker{*model.network, *tokenizer, vocabulary, cli::longest_conversation(model.experiment),
                             route};
  cli::Conversation conversation = own ? cli::Conversation(speaker, *own, options.system, local_time())
                                       : cli::Conversation(speaker, form, options.system);
  const bool is_live = ::isatty(STDIN_FILENO) == 1;
  const std::string name = !own ? form.name : chosen == kAuto ? "of the model" : chosen;
  terminal.say(fmt::format("template {}{}", name,
                           is_live ? "   a line is a message; /new begins anew, /quit or Ctrl-D ends" : ""));
  int64_t turn = 0, num_refused = 0;
  const auto refuse = [&](const Error& error) {  // one message that the model cannot read ends no conversation
    ++num_refused;
    terminal.warn(error.what());
  };
  for (std::string message;;) {
    if (is_live) terminal.print_part("> ");
    if (!std::getline(std::cin, message) || message == "/quit") break;
    if (message == "/new") {
      conversation.forget();
      continue;
    }
    if (message.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      answer(conversation, options, turn++, message, *model.network, terminal);
    } catch (const ConfigError& error) {
      refuse(error);
    } catch (const FormatError& error) {
      refuse(error);
    }
  }
  if (is_live) terminal.print("");
  return num_refused > 0 && !is_live ? 1 : 0;
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
