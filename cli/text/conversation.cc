#include "cli/text/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

double now_in_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr const char* kMessage = "chat: message";

}  // namespace

class Conversation::Writer {
 public:
  Writer(const std::string& stop, const std::function<void(const std::string&)>& show) : stop_(stop), show_(show) {}

  /// Whether the answer goes on.
  bool add(const std::string& piece) {
    held_ += piece;
    if (written_.empty()) held_.erase(0, held_.find_first_not_of(" \n"));
    const size_t found = stop_.empty() ? std::string::npos : held_.find(stop_);
    if (found != std::string::npos) {
      held_.resize(found);
      return false;
    }
    size_t kept = std::min(held_.size(), stop_.empty() ? 0 : stop_.size() - 1);
    while (kept > 0 && !stop_.starts_with(held_.substr(held_.size() - kept))) --kept;
    write(held_.size() - kept);
    return true;
  }
  std::string finish() {
    write(held_.size());
    return written_;
  }

 private:
  void write(size_t count) {
    if (count == 0) return;
    show_(held_.substr(0, count));
    written_ += held_.substr(0, count);
    held_.erase(0, count);
  }

  const std::string& stop_;
  const std::function<void(const std::string&)>& show_;
  std::string held_, written_;
};

Conversation::Conversation(const Speaker& speaker, const ChatTemplate& form, std::string system)
    : speaker_(speaker),
      form_(form),
      stop_(form.stop),
      system_(std::move(system)),
      endings_(ending_ids(speaker.vocabulary)) {
  forget();
}

Conversation::Conversation(const Speaker& speaker, const ModelTemplate& form, std::string system, const std::tm& now)
    : speaker_(speaker),
      form_(chat_template_named("plain")),
      own_(&form),
      now_(now),
      system_(std::move(system)),
      endings_(form.endings(speaker.vocabulary)) {
  forget();
}

void Conversation::forget() {
  text_.emplace(speaker_.network, speaker_.route);
  last_ = -1;
  is_last_unread_ = has_stopped_ = false;
  said_.clear();
  read_.clear();
}

std::vector<int64_t> Conversation::ids_of_first(const std::string& message) const {
  std::vector<ChatMessage> messages;
  if (!system_.empty()) messages.push_back({"system", system_});
  messages.push_back({"user", message});
  return opening_ids(speaker_.tokenizer, speaker_.vocabulary, form_, form_.opened(messages), kMessage);
}

void Conversation::open(const std::string& message, int64_t tokens, Answer& answer) {
  std::vector<int64_t> ids;
  const int64_t room = speaker_.most - std::min(tokens, speaker_.most / 4);  // for an answer
  if (text_->num_read() > 0) {
    // The end of the answer, unless it is there, and the next message.
    const bool has_ended = std::find(endings_.begin(), endings_.end(), last_) != endings_.end();
    std::string behind = form_.assistant.behind;
    if (has_ended) behind = form_.stop.empty() && behind.ends_with('\n') ? "\n" : "";
    std::string next = behind + form_.opened({{"user", message}});
    if (has_stopped_) next.erase(0, next.find(form_.stop) + form_.stop.size());  // the model wrote that itself
    if (is_last_unread_) ids.push_back(last_);
    const auto more = speaker_.tokenizer.encode(next, kMessage);
    ids.insert(ids.end(), more.begin(), more.end());
    answer.has_forgotten = text_->num_read() + static_cast<int64_t>(ids.size()) > room;
    if (answer.has_forgotten) forget();
  }
  if (text_->num_read() == 0) ids = ids_of_first(message);
  check_length(ids.size());
  text_->read(ids);
  last_ = ids.back();
}

void Conversation::check_length(size_t num_ids) const {
  if (static_cast<int64_t>(num_ids) >= speaker_.most)
    throw ConfigError(
        "chat", "message",
        fmt::format("expected fewer than the {} tokens that the model accepts, got {}", speaker_.most, num_ids));
}

std::vector<int64_t> Conversation::ids_of_said(const std::vector<ChatMessage>& said) const {
  std::vector<ChatMessage> messages = said;
  if (!system_.empty()) messages.insert(messages.begin(), {"system", system_});
  return own_->ids_of(own_->render(messages, true, now_), speaker_.tokenizer, speaker_.vocabulary, kMessage);
}

void Conversation::open_own(const std::string& message, int64_t tokens, Answer& answer) {
  std::vector<ChatMessage> said = said_;
  said.push_back({"user", message});
  auto ids = ids_of_said(said);
  const int64_t room = speaker_.most - std::min(tokens, speaker_.most / 4);  // for an answer
  answer.has_forgotten = said.size() > 1 && static_cast<int64_t>(ids.size()) > room;
  if (answer.has_forgotten) {
    said.erase(said.begin(), said.end() - 1);
    ids = ids_of_said(said);
  }
  check_length(ids.size());
  if (ids.empty()) throw FormatError(kMessage, "expected a template that writes something, got an empty text");
  const bool goes_on = read_.size() < ids.size() && std::equal(read_.begin(), read_.end(), ids.begin());
  if (!goes_on) forget();
  text_->read({ids.begin() + static_cast<std::ptrdiff_t>(read_.size()), ids.end()});
  last_ = ids.back();
  read_ = std::move(ids);
  said_ = std::move(said);
}

Conversation::Answer Conversation::answer(const std::string& message, const SamplingOptions& sampling, int64_t tokens,
                                          const std::function<void(const std::string&)>& show) {
  Answer answer;
  if (own_) open_own(message, tokens, answer);
  else open(message, tokens, answer);
  Writer writer(stop_, show);
  const double begin = now_in_seconds();
  answer.is_cut = true;
  int64_t before = -1;
  while (answer.num_tokens < tokens && text_->num_read() < speaker_.most) {
    last_ = text_->next(sampling);
    is_last_unread_ = true;
    ++answer.num_tokens;
    const bool has_ended = std::find(endings_.begin(), endings_.end(), last_) != endings_.end();
    has_stopped_ = !has_ended && !writer.add(speaker_.tokenizer.piece(last_, before));
    answer.is_cut = !has_ended && !has_stopped_;
    if (!answer.is_cut) break;
    before = last_;
    text_->read({last_});
    read_.push_back(last_);
    is_last_unread_ = false;
  }
  answer.seconds = now_in_seconds() - begin;
  answer.text = writer.finish();
  said_.push_back({"assistant", answer.text});
  return answer;
}

}  // namespace heterodyne::cli
