// easy-VQA (Victor Zhou 2019): pictures of one coloured shape and questions about it. 4,000 images with 38,575
// questions for training, 1,000 with 9,673 for testing; thirteen answers: yes and no, three shapes and eight colours.
// Three in four questions are answered by yes or no.
//
// Read is what the author publishes, answers.txt, and for train and test questions.json, a list of [question, answer,
// image], and images/N.png; or, for each of the two, the same as questions_train.json and
// images_train.nhwc_64x64x3.u8, all pixels one after the other: image, row, column, colour. Each may be .gz or .xz.
//
// The words of a question are in lower case; its marks are words too. The vocabulary is that of the training questions.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/pair_set.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/image_file.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

constexpr int64_t kVqaSide = 64, kVqaColours = 3;
constexpr int64_t kVqaBytes = kVqaSide * kVqaSide * kVqaColours;  // of an image
constexpr int64_t kVqaMostImages = 1'000'000;  // so that a number in a damaged file asks for no memory
constexpr int64_t kVqaAnswers = 13, kVqaWords = 29, kVqaQuestions = 38'575;
constexpr const char* kVqaWhere = "data.easy_vqa";

struct VqaQuestion {
  std::string text, answer;
  int64_t image = 0;
};

std::string answer_type(const std::string& answer) {
  if (answer == "yes" || answer == "no") return "yes/no";
  const std::vector<std::string> shapes = {"circle", "rectangle", "triangle"};
  return std::find(shapes.begin(), shapes.end(), answer) != shapes.end() ? "shape" : "colour";
}

// Where the files of one split lie, whichever of the two ways.
struct VqaFiles {
  std::string questions, pixels, folder_of_images;
};

VqaFiles vqa_files(const std::string& folder, const std::string& split) {
  const std::string flat = folder + "/questions_" + split + ".json";
  if (io::find_maybe_compressed(flat)) return {flat, folder + "/images_" + split + ".nhwc_64x64x3.u8", ""};
  return {folder + "/" + split + "/questions.json", "", folder + "/" + split + "/images"};
}

std::vector<std::string> read_answers(const std::string& path) {
  std::vector<std::string> answers;
  for (auto line : split(io::read_maybe_compressed(path), '\n')) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (std::find(answers.begin(), answers.end(), line) != answers.end())
      throw FormatError::in_file(path, "expected each answer once, got \"" + line + "\" twice");
    answers.push_back(line);
  }
  if (static_cast<int64_t>(answers.size()) != kVqaAnswers)
    throw FormatError::in_file(path, fmt::format("expected {} answers, got {}", kVqaAnswers, answers.size()));
  return answers;
}

VqaQuestion vqa_question(const Value& item, size_t number, const std::string& path) {
  const Array* parts = item.if_array();
  const bool fits = parts && parts->size() == 3 && (*parts)[0].if_text() && (*parts)[1].if_text() &&
                    (*parts)[2].if_integer() && *(*parts)[2].if_integer() >= 0 &&
                    *(*parts)[2].if_integer() < kVqaMostImages;
  if (!fits)
    throw FormatError::in_file(
        path, fmt::format("question {}: expected [question, answer, image], got {}", number, io::write_json(item)));
  return {*(*parts)[0].if_text(), *(*parts)[1].if_text(), *(*parts)[2].if_integer()};
}

std::vector<VqaQuestion> read_questions(const std::string& path) {
  const Value list = io::parse_json(io::read_maybe_compressed(path), path);
  if (!list.if_array() || list.if_array()->empty())
    throw FormatError::in_file(path, "expected a list of questions, got " + std::string(list.type_name()));
  std::vector<VqaQuestion> questions;
  for (const auto& item : *list.if_array()) questions.push_back(vqa_question(item, questions.size(), path));
  return questions;
}

// uint8 [M, C, H, W]
torch::Tensor read_pixels(const VqaFiles& place, int64_t num_images) {
  if (place.folder_of_images.empty()) {
    const auto bytes = std::make_shared<std::string>(io::read_maybe_compressed(place.pixels));
    const auto count = static_cast<int64_t>(bytes->size()) / kVqaBytes;
    if (count < num_images || static_cast<int64_t>(bytes->size()) % kVqaBytes != 0)
      throw FormatError::in_file(
          place.pixels, fmt::format("expected {} or more images of {} bytes, got {} bytes", with_commas(num_images),
                                    with_commas(kVqaBytes), with_commas(static_cast<int64_t>(bytes->size()))));
    const auto pixel_MHWC =
        torch::from_blob(bytes->data(), {count, kVqaSide, kVqaSide, kVqaColours}, [bytes](void*) {}, torch::kUInt8);
    return pixel_MHWC.permute({0, 3, 1, 2}).contiguous();
  }
  auto pixel_MCHW = torch::empty({num_images, kVqaColours, kVqaSide, kVqaSide}, torch::kUInt8);
  for (int64_t m = 0; m < num_images; ++m) {
    const std::string path = fmt::format("{}/{}.png", place.folder_of_images, m);
    const auto image_CHW = io::read_image(path);
    if (image_CHW.sizes() != pixel_MCHW[m].sizes())
      throw FormatError::in_file(
          path, fmt::format("expected {} x {} pixels of {} colours, got {} x {} of {}", kVqaSide, kVqaSide, kVqaColours,
                            image_CHW.size(2), image_CHW.size(1), image_CHW.size(0)));
    pixel_MCHW[m].copy_(image_CHW);
  }
  return pixel_MCHW;
}

class VqaReader {
 public:
  VqaReader(std::string folder, int64_t length, std::vector<std::string> answers)
      : folder_(std::move(folder)), length_(length), answers_(std::move(answers)) {}

  Vocabulary learn() {
    std::string text;
    const std::string path = vqa_files(folder_, "train").questions;
    for (const auto& question : read_questions(path)) text += question_words(question.text, path) + "\n";
    Vocabulary vocabulary = learn_vocabulary(kind_, text, kVqaWhere);
    tokenizer_ = tokenizers().make(kind_, vocabulary);
    return vocabulary;
  }

  PairSet read(const std::string& split) const {
    const VqaFiles place = vqa_files(folder_, split);
    const auto questions = read_questions(place.questions);
    const auto N = static_cast<int64_t>(questions.size());
    PairSet pairs{{},
                  torch::zeros({N, length_}, torch::kInt64),
                  torch::empty({N}, torch::kInt64),
                  torch::empty({N}, torch::kInt64),
                  torch::empty({N}, torch::kInt64)};
    int64_t num_images = 0;
    for (int64_t n = 0; n < N; ++n) {
      const auto& question = questions[static_cast<size_t>(n)];
      const auto ids = ids_of(question, n, place.questions);
      std::copy(ids.begin(), ids.end(), pairs.token_NS.data_ptr<int64_t>() + n * length_);
      pairs.length_N.data_ptr<int64_t>()[n] = static_cast<int64_t>(ids.size());
      pairs.image_N.data_ptr<int64_t>()[n] = question.image;
      pairs.label_N.data_ptr<int64_t>()[n] = label_of(question, n, place.questions);
      num_images = std::max(num_images, question.image + 1);
    }
    pairs.pixel_MCHW = read_pixels(place, num_images);
    return pairs;
  }

 private:
  std::vector<int64_t> ids_of(const VqaQuestion& question, int64_t n, const std::string& path) const {
    auto ids = tokenizer_->encode(question_words(question.text, path), path);
    if (ids.empty() || static_cast<int64_t>(ids.size()) > length_)
      throw FormatError::in_file(path, fmt::format("question {}: expected 1 .. {} words, as data.length says, got {}",
                                                   n, length_, ids.size()));
    return ids;
  }

  int64_t label_of(const VqaQuestion& question, int64_t n, const std::string& path) const {
    const auto found = std::find(answers_.begin(), answers_.end(), question.answer);
    if (found != answers_.end()) return found - answers_.begin();
    throw FormatError::in_file(
        path, fmt::format("question {}: expected an answer of answers.txt, got \"{}\"", n, question.answer));
  }

  std::string folder_;
  int64_t length_;
  std::vector<std::string> answers_;
  Member kind_{Table{{"kind", "word"}}};
  std::shared_ptr<Tokenizer> tokenizer_;
};

struct EasyVqa {
  struct Options {
    int64_t length = 10;
    Normalize normalize{{0.9043, 0.9054, 0.8965}, {0.1938, 0.1871, 0.2058}};
    void visit(Fields& field) {
      field("length", length, "places for the words and marks of a question", at_least(1));
      field("normalize", normalize, "the pixels' mean and standard deviation: red, green, blue");
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    options.normalize.check(kVqaWhere, kVqaColours);
    const std::string folder =
        find_source_folder(context, {"easy_vqa",
                                     {"easy_vqa", "easy-VQA", "easy_vqa/data", "easy-VQA/easy_vqa/data"},
                                     {"questions_train.json", "train/questions.json"},
                                     "the folder easy_vqa/data of https://github.com/vzhou842/easy-VQA, put there as "
                                     "easy_vqa"});
    PairSource source;
    source.class_names = read_answers(folder + "/answers.txt");
    for (const auto& answer : source.class_names) source.class_types.push_back(answer_type(answer));
    VqaReader reader(folder, options.length, source.class_names);
    source.vocabulary = reader.learn();
    source.train = reader.read("train");
    source.load_test = [reader] { return reader.read("test"); };
    source.normalize = options.normalize;
    source.validation = context.validation;
    return std::make_unique<PairDataset>(std::move(source));
  }
  static DataShape shape(const Options& options) {
    return {kVqaColours, kVqaSide, kVqaSide, kVqaAnswers, kVqaWords, options.length};
  }
  static int64_t num_train(const Options&) { return kVqaQuestions; }
};

}  // namespace

DatasetKind dataset_kind_easy_vqa() {
  return dataset_kind<EasyVqa>("questions about pictures of a coloured shape, 38,575 + 9,673, 13 answers (Zhou 2019)");
}

}  // namespace heterodyne
