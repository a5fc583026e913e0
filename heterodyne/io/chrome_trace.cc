#include "heterodyne/io/chrome_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "heterodyne/io/json.h"

namespace heterodyne::io {

std::string chrome_trace(const Profile& profile) {
  int64_t first_ns = profile.records().empty() ? 0 : profile.records().front().begin_ns;
  for (const auto& record : profile.records()) first_ns = std::min(first_ns, record.begin_ns);
  std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  const char* separator = "\n";
  for (const auto& record : profile.records()) {
    fmt::format_to(std::back_inserter(text),
                   "{}{{\"name\":{},\"cat\":\"{}\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3f},\"dur\":{:.3f}",
                   separator, write_json(record.name), record.is_backward ? "backward" : "forward",
                   1e-3 * static_cast<double>(record.begin_ns - first_ns),
                   1e-3 * static_cast<double>(record.end_ns - record.begin_ns));
    if (record.place[0] != '\0') text += ",\"args\":{\"place\":" + write_json(record.place) + "}";
    text += "}";
    separator = ",\n";
  }
  return text + "\n]}\n";
}

}  // namespace heterodyne::io
