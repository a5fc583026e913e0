// heterodyne data prepare|peek|synth|cluster|tokenize|train-tokenizer|domains: brings files of a data set into the
// layout that is read, looks into a set, makes up a small one, finds clusters of a text's symbols, turns texts into ids
// and back, learns the symbols for that, divides rows of text into domains.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/data_folder.h"
#include "cli/output.h"
#include "cli/text/domains.h"
#include "cli/text/tokenize.h"
#include "cli/view/picture.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/image_files.h"
#include "heterodyne/io/file.h"
#include "heterodyne/train/hash_recipe.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPictures = 8;
constexpr int64_t kPictureColumns = 28;
constexpr int64_t kSynthTrain = 1000;

struct DataFlags {
  std::string action;
  std::vector<std::string> arguments;
  std::string split = "train";
  std::string out;
  std::string tokenizer;
  bool decode = false;
  bool no_special = false;
  int64_t vocab = 4096;
  int64_t clusters = 8;
  std::string encoder;
  std::string domain_field;
  int64_t limit = 0;
  std::string seed = "0";
  bool link = false;
  bool allow_partial = false;
  cli::ComputeFlags compute;
  cli::DryRunFlag plan;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field(
        "action", action,
        "prepare SET FOLDER: files from the authors into the layout that is read; peek SET: counts, values, first "
        "pictures; synth SET: made-up images in the files of the set; cluster MODEL: the model's configuration with "
        "a router `hash` whose table holds clusters of its symbols; tokenize: lines of standard input, each a text in "
        "JSON, to lists of ids; train-tokenizer TEXT...: byte pair encoding learned from texts; domains FILE: rows of "
        "JSON, instructions for instance, to a file for each of the things they are about",
        one_of("prepare", "peek", "synth", "cluster", "tokenize", "train-tokenizer", "domains"), positional(),
        required());
    field("arguments", arguments, "SET of `heterodyne ls datasets`, and FOLDER; or MODEL; or TEXT files; or FILE",
          positional());
    field("split", split, "which examples", one_of("train", "valid", "test"));
    field("out", out, "where to write; the folder of data sets, data by default; the file tokenizer.json; domains");
    field("tokenizer", tokenizer, "tokenize: a tokenizer.json, a SentencePiece .model, or GPT-2's encoder.json",
          effective_when(action == "tokenize", "the action is not tokenize"));
    field("decode", decode, "tokenize: lists of ids to texts",
          effective_when(action == "tokenize", "the action is not tokenize"));
    field("no_special", no_special, "tokenize: no special symbols around texts; with --decode, none shown",
          effective_when(action == "tokenize", "the action is not tokenize"));
    field("vocab", vocab, "train-tokenizer: symbols, 257 of which are <|endoftext|> and the bytes",
          between(257, 1000000), effective_when(action == "train-tokenizer", "the action is not train-tokenizer"));
    const bool divides = action == "domains";
    field("field", domain_field, "domains: the field of a row that names its domain",
          effective_when(divides, "the action is not domains"));
    field("clusters", clusters, "domains: how many", at_least(1),
          effective_when(divides && domain_field.empty(),
                         divides ? "--field says how many" : "the action is not domains"));
    field("encoder", encoder, "domains: a model whose features say what a text is about; its words by default",
          effective_when(divides && domain_field.empty(),
                         divides ? "--field says what they are" : "the action is not domains"));
    field("limit", limit, "at most so many examples; synth: training images, 1,000 by default; 0: no limit",
          at_least(0));
    field("seed", seed, "the same as --set seed=N; synth: of the images; cluster, domains: of the tries");
    field("link", link, "prepare: link to the files instead of copying them");
    field("allow_partial", allow_partial, "prepare: go on without files that are missing or damaged");
    compute.visit(field);
    plan.visit(field);
    format.visit(field);
  }
};

void expect_arguments(const DataFlags& options, size_t count, const std::string& form) {
  if (options.arguments.size() == count) return;
  throw ConfigError(
      fmt::format("data {}: expected {}, got {} arguments", options.action, form, options.arguments.size()));
}

// Where to write, of data sets.
std::string folder_of(const DataFlags& options) { return options.out.empty() ? "data" : options.out; }

const SourceFiles& files_of(const std::string& kind) {
  const auto& files = datasets().find(kind).files;
  if (!files) throw ConfigError("data: " + kind + " is read from no files");
  return *files;
}

// Pictures beside one another, each under its label.
void print_pictures(const Dataset& set, const Batch& batch, cli::Terminal& terminal) {
  const int64_t columns = std::min(kPictureColumns, set.shape().width);
  const int64_t count =
      std::min({kPictures, batch.inputs.size(0), std::max<int64_t>(1, terminal.width() / (columns + 2))});
  std::string labels;
  std::vector<std::vector<std::string>> pictures;
  for (int64_t i = 0; i < count; ++i) {
    std::string name = set.class_names()[static_cast<size_t>(batch.label_B[i].item<int64_t>())];
    name.resize(static_cast<size_t>(columns) + 2, ' ');
    labels += name;
    pictures.push_back(cli::picture_lines(batch.inputs[i], columns));
  }
  terminal.print("\n" + labels);
  for (size_t y = 0; y < pictures.front().size(); ++y) {
    std::string line;
    for (const auto& picture : pictures) line += picture[y] + "  ";
    terminal.print(line);
  }
}

cli::Rows class_rows(const Dataset& set, const torch::Tensor& label_N) {
  const auto& names = set.class_names();
  const auto count = torch::bincount(label_N, {}, static_cast<int64_t>(names.size()));
  cli::Rows rows{{"class", "examples", "share"}, {}};
  for (size_t y = 0; y < names.size(); ++y) {
    const int64_t examples = count[static_cast<int64_t>(y)].item<int64_t>();
    const double share = static_cast<double>(examples) / static_cast<double>(std::max<int64_t>(1, label_N.size(0)));
    rows.rows.push_back({names[y], examples, share});
  }
  return rows;
}

void peek(const DataFlags& options, const cli::Invocation& invocation) {
  expect_arguments(options, 1, "a data set");
  const std::string& kind = options.arguments[0];
  const auto folders = cli::data_folders(options.compute, invocation.environment);
  const auto set = datasets().find(kind).make(cli::lenient_settings(kind), {"data." + kind, ""},
                                              {folders, DataOptions().validation, invocation.terminal.log()});
  const Split split = split_named(options.split);
  const int64_t size = set->size(split), limit = options.limit == 0 ? size : std::min(size, options.limit);
  const auto label_N = set->labels(split).narrow(0, 0, limit);
  const auto rows = class_rows(*set, label_N);
  if (options.format.format != "table") return cli::print_rows(invocation.terminal, rows, options.format.format);

  // Enough for the range of values; all of a large set would take gigabytes.
  const auto batch = set->get(split, torch::arange(std::min<int64_t>(limit, 1000)));
  const auto shape = set->shape();
  const auto& x = batch.inputs;
  invocation.terminal.print(fmt::format("{} {}: {} examples of {} x {} x {}, {} classes{}", kind, options.split,
                                        with_commas(size), shape.channels, shape.height, shape.width, shape.num_classes,
                                        limit < size ? fmt::format("; the first {}:", with_commas(limit)) : ""));
  if (x.size(0) == 0) return;
  invocation.terminal.print(fmt::format("values {:.2f} .. {:.2f}, mean {:.3f}, standard deviation {:.3f} (of {})\n",
                                        x.min().item<float>(), x.max().item<float>(), x.mean().item<float>(),
                                        x.std().item<float>(), with_commas(x.size(0))));
  invocation.terminal.print(cli::table_text(rows));
  print_pictures(*set, batch, invocation.terminal);
}

int64_t seed_of(const DataFlags& options) {
  struct Seed {
    int64_t seed = 0;
    void visit(Fields& field) { field("seed", seed, "of the draws", at_least(0)); }
  };
  return read_options<Seed>({{"seed", Value::untyped(options.seed, "--seed")}}, {}).seed;
}

void cluster(const DataFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 1, "a run's folder or a checkpoint's");
  const std::string& path = options.arguments[0];
  const auto model = load_model(path, {}, terminal.log());
  const auto recipe = hash_recipe(model, static_cast<uint64_t>(seed_of(options)));
  terminal.print("# " + path + " with experts by clusters of its symbols: heterodyne data cluster " + path);
  std::string text = write_toml(recipe);
  while (text.ends_with('\n')) text.pop_back();
  terminal.print(text);
}

void synth(const DataFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 1, "a data set whose files to make");
  const std::string& kind = options.arguments[0];
  const SourceFiles& files = files_of(kind);
  const int64_t train = options.limit == 0 ? kSynthTrain : options.limit;
  const int64_t seed = seed_of(options);
  const auto& names = files.folders;
  const fs::path folder = fs::path(folder_of(options)) /
                          *std::find_if(names.begin(), names.end(), [](const auto& name) { return !name.empty(); });
  const auto made = synthetic_image_files(kind, train, std::max<int64_t>(10, train / 5), seed);
  for (const auto& file : made) {
    if (fs::exists(fs::symlink_status(folder / file.name)))
      throw ConfigError((folder / file.name).string() + ": exists already; choose another --out");
  }
  if (options.plan.dry_run) {
    for (const auto& file : made)
      terminal.print(fmt::format("would write {}, {} bytes", (folder / file.name).string(),
                                 with_commas(static_cast<int64_t>(file.bytes.size()))));
    return terminal.say("nothing was done: --dry-run");
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw DeviceError(folder.string() + ": cannot be made: " + error.message());
  for (const auto& file : made) io::write_file((folder / file.name).string(), file.bytes);
  terminal.say(fmt::format("{}: {} made-up training images in {} files. Next: heterodyne data peek {} --data {}",
                           folder.string(), with_commas(train), made.size(), kind, folder_of(options)));
}

void prepare(const DataFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 2, "a data set and the folder with its files");
  const auto &kind = options.arguments[0], &folder = options.arguments[1];
  const SourceFiles& files = files_of(kind);
  const auto found = cli::find_files(folder, files);
  cli::Rows rows{{"file", "state", "found"}, {}};
  int64_t num_bad = 0;
  for (const auto& file : found) {
    const bool is_good = file.path && file.damage.empty();
    num_bad += is_good ? 0 : 1;
    rows.rows.push_back({file.name,
                         is_good     ? "ok"
                         : file.path ? "damaged: " + file.damage
                                     : "missing",
                         file.path ? Value(*file.path) : Value()});
  }
  cli::print_rows(terminal, rows, options.format.format);
  if (num_bad > 0 && !options.allow_partial) {
    throw FormatError("data." + kind,
                      fmt::format("{} of {} files are missing or damaged in {}; nothing was written. An archive must "
                                  "be unpacked first. To get them: {}. To go on without them: --allow-partial",
                                  num_bad, found.size(), folder, files.how_to_get));
  }
  if (options.plan.dry_run) return terminal.say("nothing was done: --dry-run");
  const std::string written = cli::prepare_folder({kind, found, folder_of(options), options.link}, terminal.log());
  terminal.say(fmt::format("{}: ready. Next: heterodyne data peek {} --data {}", written, kind, folder_of(options)));
}

void tokenize(const DataFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 0, "texts on standard input alone");
  if (options.tokenizer.empty()) throw ConfigError("data tokenize: expected --tokenizer FILE, got none");
  const auto lines = cli::line_tokenizer(options.tokenizer, !options.no_special);
  cli::each_line(std::cin, [&](const std::string& line, const std::string& where) {
    terminal.print(options.decode ? lines.decode(line, where) : lines.encode(line, where));
  });
}

void train_tokenizer(const DataFlags& options, cli::Terminal& terminal) {
  if (options.arguments.empty()) throw ConfigError("data train-tokenizer: expected files of text, got none");
  const std::string out = options.out.empty() ? "tokenizer.json" : options.out;
  if (fs::exists(fs::symlink_status(out))) throw ConfigError(out + ": exists already; choose another --out");
  const std::string text = cli::read_texts(options.arguments);
  if (options.plan.dry_run) {
    terminal.print(fmt::format("would learn at most {} symbols from {} bytes of text and write {}",
                               with_commas(options.vocab), with_commas(static_cast<int64_t>(text.size())), out));
    return terminal.say("nothing was done: --dry-run");
  }
  const int64_t num_symbols = cli::write_learned_tokenizer(text, options.vocab, out);
  terminal.say(fmt::format("{}: {} symbols from {} bytes of text. Next: heterodyne data tokenize --tokenizer {}", out,
                           with_commas(num_symbols), with_commas(static_cast<int64_t>(text.size())), out));
}

void divide_into_domains(const DataFlags& options, cli::Terminal& terminal) {
  expect_arguments(options, 1, "a file of rows");
  const std::string& file = options.arguments[0];
  const std::string out = options.out.empty() ? "domains" : options.out;
  if (fs::exists(fs::symlink_status(out))) throw ConfigError(out + ": exists already; choose another --out");
  const auto rows = cli::read_text_rows(file);
  std::optional<TrainedModel> encoder;
  if (!options.encoder.empty()) encoder = load_model(options.encoder, {}, terminal.log());
  const auto domains = options.domain_field.empty()
                           ? cli::domains_by_meaning(rows, options.clusters, static_cast<uint64_t>(seed_of(options)),
                                                     encoder ? &*encoder : nullptr)
                           : cli::domains_by_field(rows, options.domain_field, file);
  cli::print_rows(terminal, cli::domain_rows(rows, domains), options.format.format);
  if (options.plan.dry_run) return terminal.say("nothing was written: --dry-run");
  cli::write_domains(rows, domains, out);
  terminal.say(
      fmt::format("{}: {} files. In a conversion: domains = [{{ kind = \"instruct\", path = \"{}/...\" }}, ...]", out,
                  domains.names.size(), out));
}

int run_data(const DataFlags& options, const cli::Invocation& invocation) {
  if (options.plan.dry_run && (options.action == "peek" || options.action == "tokenize"))
    throw ConfigError(fmt::format("data {}: --dry-run has no effect: it writes nothing", options.action));
  cli::apply(options.compute, invocation);
  if (options.action == "peek") peek(options, invocation);
  else if (options.action == "synth") synth(options, invocation.terminal);
  else if (options.action == "cluster") cluster(options, invocation.terminal);
  else if (options.action == "tokenize") tokenize(options, invocation.terminal);
  else if (options.action == "train-tokenizer") train_tokenizer(options, invocation.terminal);
  else if (options.action == "domains") divide_into_domains(options, invocation.terminal);
  else prepare(options, invocation.terminal);
  return 0;
}

}  // namespace

CommandKind command_kind_data() {
  return command_kind<DataFlags>("prepare, look into or make up a data set; texts to ids and back",
                                 "heterodyne data peek fashion_mnist\nheterodyne data prepare cifar10 "
                                 "~/Downloads/cifar-10-batches-bin\nheterodyne data synth mnist --limit 2000 --seed 1\n"
                                 "heterodyne data cluster runs/lm-char > by_cluster.toml\n"
                                 "heterodyne data tokenize --tokenizer tokenizer.json < strings.jsonl\n"
                                 "heterodyne data train-tokenizer book.txt --vocab 4096 --out tokenizer.json\n"
                                 "heterodyne data domains alpaca.json --clusters 8 --out domains",
                                 run_data);
}

}  // namespace heterodyne
