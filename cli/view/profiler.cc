#include "cli/view/profiler.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "cli/view/profile_view.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/chrome_trace.h"

namespace heterodyne::cli {

void Profiler::conclude(const RunFolder& folder, Terminal& terminal) const {
  if (!is_wanted_ || seconds_ <= 0) return;
  terminal.print(table_text(profile_rows(profile_, seconds_)));
  folder.write_file("trace.json", io::chrome_trace(profile_));
  const auto num_spans = static_cast<int64_t>(profile_.records().size());
  std::string text = fmt::format("trace: {}, {} spans", folder.file("trace.json"), with_commas(num_spans));
  if (profile_.num_left_out() > 0)
    text += fmt::format(", {} later ones left out", with_commas(profile_.num_left_out()));
  terminal.say(text);
}

}  // namespace heterodyne::cli
