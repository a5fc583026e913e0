#include "heterodyne/eval/harness/score_cache.h"

#include <filesystem>
#include <utility>

#include "heterodyne/io/json.h"
#include "heterodyne/io/json_lines.h"
#include "heterodyne/io/sha256.h"

namespace heterodyne {

ScoreCache::ScoreCache(const std::string& path, std::string model) : model_(std::move(model)) {
  bool is_torn = false;
  if (std::filesystem::exists(path)) {
    const std::string lines = io::read_file(path);
    is_torn = !lines.empty() && lines.back() != '\n';
    io::each_json_line(lines, path, true, [&](const Table& line, const std::string& where) {
      scores_[io::text_at(line, "key", where)] = {io::real_at(line, "log_likelihood", where),
                                                  io::flag_at(line, "is_greedy", where)};
    });
  }
  file_.emplace(path);
  if (is_torn) file_->append("\n");
}

std::string ScoreCache::key_of(const TextWindow& window) const {
  std::string text = model_;
  for (const auto* ids : {&window.inputs, &window.wanted}) {
    text += '\n';
    for (const int64_t id : *ids) text += std::to_string(id) + ' ';
  }
  return io::sha256_hex(text);
}

std::optional<WindowScore> ScoreCache::find(const TextWindow& window) const {
  const auto found = scores_.find(key_of(window));
  return found == scores_.end() ? std::nullopt : std::optional(found->second);
}

void ScoreCache::add(const TextWindow& window, const WindowScore& score) {
  const std::string key = key_of(window);
  if (!scores_.emplace(key, score).second) return;
  file_->append_line(
      io::write_json(Table{{"key", key}, {"log_likelihood", score.log_likelihood}, {"is_greedy", score.is_greedy}}));
}

}  // namespace heterodyne
