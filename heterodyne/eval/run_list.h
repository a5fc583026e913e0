// RunList: the runs below one folder of runs, through its index where that agrees with their folders.
//
// A run is a folder with a resolved.toml; those of a sweep lie deeper. Links are not followed and hidden folders passed
// over. Each row of the index carries a stamp of its folder's files; a row whose stamp is old is read again from the
// folder and the index told. So a list is right whether the index is there, old, damaged or held by somebody else.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/log.h"
#include "heterodyne/io/run_index.h"

namespace heterodyne {

/// "runs/index.sqlite"
std::string index_path(const std::string& runs);

/// Paths of all runs, relative to `runs`, sorted. Nothing when there is no such folder.
std::vector<std::string> find_runs(const std::string& runs);

/// The path of a run's folder relative to `runs`, when find_runs() finds it there; otherwise empty.
std::string folder_within(const std::string& runs, const std::string& path);

/// Sizes and times of the files that a row of the index is made from.
std::string run_stamp(const std::string& path);

/// What the folder says now, as the index holds it. Throws FormatError when it is no run's.
io::IndexedRun read_indexed(const std::string& runs, const std::string& folder);

/// Every run with the metric it is best at, by folder. A run that says it is running while no process holds its folder
/// is "lost". Folders that cannot be read are named in a warning and left out; so is, in one, an index of no use.
std::vector<io::IndexedRun> list_runs(const std::string& runs, const Log& log);

/// Builds the whole index anew, beside the one there is, and returns the number of runs. A sound index takes the new
/// contents in one transaction, so that others may go on using it; a damaged one is replaced by the new file. Throws
/// DeviceError when that cannot be.
size_t reindex_runs(const std::string& runs, const Log& log);

/// Words that people gave a run, from the file `tags` of its folder, sorted; one a line.
std::vector<std::string> read_tags(const std::string& path);
/// Throws ConfigError for a word that is empty, longer than 64 bytes, not UTF-8, begins with '-', or has spaces or
/// control characters; DeviceError when the file cannot be written.
void write_tags(const std::string& path, std::vector<std::string> tags);

}  // namespace heterodyne
