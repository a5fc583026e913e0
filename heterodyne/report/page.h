// The report as a page: one HTML file that makes no request, for a browser with or without scripts.
//
// Without scripts it is findings, sentences, tables and the static pictures. The script (assets/) turns every figure
// into one chart with its switches; tables exist once, in the document.
#pragma once

#include <string>

#include "heterodyne/report/report.h"

namespace heterodyne {

/// The whole file. Equal reports give equal bytes. Text of the report is escaped for where it stands and made visible()
/// (html.h); View::svg is taken as it is, so it has to be escaped already. Of tables longer than a page can hold, rows
/// are left out evenly, and the page says so.
std::string html_page(const Report& report);

}  // namespace heterodyne
