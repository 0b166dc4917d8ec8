// hftmon_manual: writes hftmon's manual pages and completion scripts, at build time: hftmon_manual FOLDER.
//
// Reads: nothing. Produces: FOLDER/man/hftmon.1 and hftmon-VERB.1, FOLDER/completion/{hftmon.bash,_hftmon,hftmon.fish}.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>

#include "client/cli/manual/completion.h"
#include "client/cli/manual/verb_pages.h"

namespace {

bool Write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return true;
  std::cerr << "hftmon_manual: " << path.string() << ": cannot be written: name a folder that this user may write to\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "hftmon_manual: which folder: none given: hftmon_manual FOLDER\n";
    return 3;
  }
  const std::filesystem::path man = std::filesystem::path(argv[1]) / "man";
  const std::filesystem::path completion = std::filesystem::path(argv[1]) / "completion";
  std::error_code ignored;  // what could not be made cannot be written to either
  std::filesystem::create_directories(man, ignored);
  std::filesystem::create_directories(completion, ignored);
  const hftmon::CommandLine line;
  bool written = Write(man / "hftmon.1", hftmon::ProgramPage(line));
  for (const hftmon::DeclaredVerb& verb : line.verbs()) {
    written = Write(man / ("hftmon-" + verb.app->get_name() + ".1"), hftmon::VerbPage(line, verb)) && written;
  }
  written = Write(completion / "hftmon.bash", hftmon::BashCompletion(line)) && written;
  written = Write(completion / "_hftmon", hftmon::ZshCompletion(line)) && written;
  written = Write(completion / "hftmon.fish", hftmon::FishCompletion(line)) && written;
  return written ? 0 : 3;
}
