// heterodyne run MODEL -p TEXT | --image FILE | both: what a trained model makes of something new.
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "cli/text/likelihood.h"
#include "cli/text/sampling_flags.h"
#include "cli/view/trace.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/pair_set.h"
#include "heterodyne/eval/pass.h"
#include "heterodyne/io/image_file.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne {
namespace {

struct RunFlags {
  cli::ModelFlag model;
  std::string prompt;
  std::string image;
  cli::SamplingFlags sampling;
  bool trace_experts = false;
  cli::DtypeFlag dtype;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::FormatFlag format;
  void visit(Fields& field) {
    model.visit(field);
    field("prompt", prompt, "text that a language model goes on with; with --image, a question about it");
    field("image", image, "a picture to classify: PNG, JPEG, BMP, GIF or PPM");
    sampling.visit(field);
    field("trace_experts", trace_experts, "colour each token by its first expert; marks instead without colour");
    dtype.visit(field);
    compute.visit(field);
    device.visit(field);
    format.visit(field);
  }
};

const char* form_of(const Experiment& experiment) { return experiment.vocabulary.empty() ? "image" : "prompt"; }

void check_input(const RunFlags& options, const Experiment& experiment) {
  const bool is_text = !experiment.vocabulary.empty();
  const std::string& model = options.model.path("run");
  if (network_shape(experiment).is_paired()) {
    if (!options.prompt.empty() && !options.image.empty()) return;
    throw ConfigError("run: " + model + " is a model of images with texts: expected --image and --prompt");
  }
  if (options.prompt.empty() && options.image.empty()) {
    throw ConfigError(fmt::format("run: expected --{}, as {} is a model of {}; got nothing to work on",
                                  form_of(experiment), model, is_text ? "text" : "images"));
  }
  if (is_text == options.image.empty()) return;
  throw ConfigError(
      fmt::format("run: {} is a model of {}: expected --{}", model, is_text ? "text" : "images", form_of(experiment)));
}

int write_text(const RunFlags& options, TrainedModel& model, cli::Terminal& terminal) {
  const auto symbols = tokenizer_of(model.experiment);
  const auto prompt = symbols->framed(symbols->encode(options.prompt, "run --prompt")).ids;
  if (prompt.empty()) throw ConfigError("run", "prompt", "expected at least one token, got none");
  const auto num_prompt = static_cast<int64_t>(prompt.size());
  const Value* context = model.experiment.resolved.find_path("model.context");
  const int64_t most =
      context && context->if_integer() && *context->if_integer() > 0 ? *context->if_integer() : INT64_MAX;
  if (num_prompt > most)
    throw ConfigError("run", "prompt",
                      fmt::format("expected at most the {} tokens that the model accepts, got {}", most, num_prompt));

  cli::catch_stop_signals();
  Generator text(*model.network, options.sampling.route("run"));
  cli::Trace trace(*model.network, terminal, options.trace_experts);
  int64_t before = -1;
  const auto show = [&](const GeneratedToken& token) {
    trace.add(symbols->piece(token.id, before), token.experts);
    before = token.id;
  };
  text.read(prompt, show);
  const auto sampling = options.sampling.sampling();
  const int64_t wanted = std::min(options.sampling.tokens, most - num_prompt);
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < wanted && !cli::stop_requested(); ++i) text.read({text.next(sampling)}, show);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  trace.finish();
  if (wanted < options.sampling.tokens)
    terminal.say(fmt::format("note: {} tokens were made, not {}: the model accepts no more than {}", wanted,
                             options.sampling.tokens, most));
  const auto made = static_cast<double>(text.num_read() - num_prompt);
  const std::string k = model.network->moe_layers().empty() ? "" : fmt::format("   k {:.2f}", text.mean_k());
  terminal.say(fmt::format("{} tokens{}   {:.1f} tokens/s", with_commas(text.num_read()), k,
                           made / std::max(seconds.count(), 1e-9)));
  return cli::stop_requested() ? cli::kInterrupted : 0;
}

std::vector<double> numbers_at(const Experiment& experiment, const std::string& path) {
  std::vector<double> numbers;
  const Value* list = experiment.resolved.find_path(path);
  if (list == nullptr || !list->if_array()) return numbers;
  for (const Value& number : *list->if_array()) {
    if (number.if_real()) numbers.push_back(*number.if_real());
    else if (number.if_integer()) numbers.push_back(static_cast<double>(*number.if_integer()));
  }
  return numbers;
}

// float [1, C, H, W] as the model's data set would give it.
torch::Tensor model_input(const std::string& path, const Experiment& experiment, const DataShape& shape,
                          cli::Terminal& terminal) {
  auto image_CHW = io::read_image(path).to(torch::kFloat32) / 255;
  auto mean = numbers_at(experiment, "data.normalize.mean"), std = numbers_at(experiment, "data.normalize.std");
  if (mean.size() == 1 && std.size() == 1 && shape.channels > 1) {  // grey pictures for a network of coloured ones
    image_CHW = image_CHW.mean(0, true);
    mean.resize(static_cast<size_t>(shape.channels), mean[0]);
    std.resize(mean.size(), std[0]);
  }
  if (const Value* fit = experiment.resolved.find_path("data.fit"); fit && *fit == Value("crop")) {
    const int64_t H = image_CHW.size(1), W = image_CHW.size(2), side = std::min(H, W);
    image_CHW = image_CHW.narrow(1, (H - side) / 2, side).narrow(2, (W - side) / 2, side);
  }
  if (image_CHW.size(0) != shape.channels)
    image_CHW = shape.channels == 1 ? image_CHW.mean(0, true) : image_CHW.expand({shape.channels, -1, -1});
  auto image = image_CHW.unsqueeze(0).contiguous();
  if (image.size(2) != shape.height || image.size(3) != shape.width) {
    terminal.say(fmt::format("note: {} x {} pixels are scaled to {} x {}", image.size(3), image.size(2), shape.width,
                             shape.height));
    image = at::_upsample_bilinear2d_aa(image, {shape.height, shape.width}, false);
  }
  if (static_cast<int64_t>(mean.size()) != shape.channels || mean.size() != std.size()) {
    throw ConfigError("run", "image",
                      fmt::format("expected a model of a data set with settings \"normalize\"; {} has none",
                                  experiment.options.data.kind));
  }
  const auto per_channel = [](const std::vector<double>& values) {
    return torch::tensor(values, torch::kFloat32).view({1, -1, 1, 1});
  };
  return (image - per_channel(mean)) / per_channel(std);
}

// The classes' names when the data set is at hand, else their numbers.
std::vector<std::string> class_names(const RunFlags& options, const Experiment& experiment, int64_t num_classes,
                                     const cli::Invocation& invocation) {
  try {
    return make_dataset(experiment, cli::data_folders(options.compute, invocation.environment), {})->class_names();
  } catch (const FormatError&) {
    std::vector<std::string> names;
    for (int64_t y = 0; y < num_classes; ++y) names.push_back("class " + std::to_string(y));
    return names;
  }
}

// The prompt beside the image, as the model's data set would give it.
void add_question(const std::string& prompt, const Experiment& experiment, Batch& batch) {
  const auto words = tokenizers().make(Member(Table{{"kind", "word"}}), experiment.vocabulary);
  const auto ids = words->encode(question_words(prompt, "run --prompt"), "run --prompt");
  const int64_t length = network_shape(experiment).length, count = static_cast<int64_t>(ids.size());
  if (count < 1 || count > length)
    throw ConfigError("run", "prompt", fmt::format("expected 1 .. {} words and marks, got {}", length, count));
  batch.text_BS = torch::zeros({1, length}, torch::kInt64);
  std::copy(ids.begin(), ids.end(), batch.text_BS.data_ptr<int64_t>());
  batch.mask_BS = torch::arange(length).lt(count).unsqueeze(0);
}

int classify(const RunFlags& options, TrainedModel& model, const cli::Invocation& invocation) {
  const torch::NoGradGuard no_grad;
  const auto& data = model.experiment.options.data;
  const auto shape = datasets().of(data).find(data.kind).shape(data.settings, {"data", "data." + data.kind});
  Batch batch;
  batch.inputs = model_input(options.image, model.experiment, shape, invocation.terminal);
  if (shape.is_paired()) add_question(options.prompt, model.experiment, batch);
  set_dtype(batch, model.experiment.dtype());
  batch.route_override = options.sampling.route("run");
  const auto prob_Y = model.network->forward(batch, nullptr).logit_BY.select(0, 0).to(torch::kFloat64).softmax(0);
  const auto order = prob_Y.argsort(0, true);
  const auto names = class_names(options, model.experiment, shape.num_classes, invocation);
  cli::Rows rows{{"class", "probability"}, {}};
  for (int64_t i = 0; i < order.size(0); ++i) {
    const int64_t y = order[i].item<int64_t>();
    rows.rows.push_back({names[static_cast<size_t>(y)], std::round(prob_Y[y].item<double>() * 1e4) / 1e4});
  }
  cli::print_rows(invocation.terminal, rows, options.format.format);
  return 0;
}

int run_model(const RunFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::device_of(options.device, invocation.environment);
  auto model = load_model(options.model.path("run"), {}, invocation.terminal.log());
  check_input(options, model.experiment);
  cli::use_dtype(options.dtype.dtype, *model.network, invocation.terminal);
  return options.image.empty() ? write_text(options, model, invocation.terminal) : classify(options, model, invocation);
}

}  // namespace

CommandKind command_kind_run() {
  return command_kind<RunFlags>("go on with a text, or classify a picture, with a trained model",
                                "heterodyne run runs/lm-char -p \"ROMEO:\" --tokens 300 --temperature 0.8\n"
                                "heterodyne run runs/lm-char -p \"ROMEO:\" --route-k 1 --trace-experts\n"
                                "heterodyne run runs/demo --image shoe.png\n"
                                "heterodyne run runs/easy-vqa --image shape.png -p \"what color is the shape?\"",
                                run_model);
}

}  // namespace heterodyne
