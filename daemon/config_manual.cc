#include "daemon/config_manual.h"

#include <fmt/format.h>

#include "common/manual_page.h"
#include "daemon/config_flags.h"
#include "daemon/config_settings.h"

namespace hftmon {
namespace {

const char* ValueOf(const Setting& setting) {
  switch (setting.kind) {
    case Setting::Kind::kNumber:
      return "N";
    case Setting::Kind::kDuration:
      return "TIME";
    case Setting::Kind::kChoice:
      return "WORD";
    case Setting::Kind::kPath:
      return "FILE";
    case Setting::Kind::kAddresses:
      return "ADDRESS";
  }
  return "";
}

void AddSettings(ManualPage* page) {
  page->Section("SETTINGS");
  page->Paragraph(
      "Each is a flag and, by the name behind it, a line of the file: `NAME: VALUE`, texts and durations in double quotes. Durations are "
      "written 50us, 1ms, 10s.");
  std::string_view group;
  for (const Setting& setting : Settings()) {
    if (setting.group != group) page->Subsection(setting.group);
    group = setting.group;
    page->Item(fmt::format("{} {}  ({})", FlagOf(setting), ValueOf(setting), setting.name),
               fmt::format("{} {}.", setting.meaning, Describe(setting)));
  }
}

}  // namespace

std::string ConfigManual() {
  ManualPage page("hftmond", 8, "hftmon " HFTMON_VERSION, "watches the processes of a trading host and tells why a thread stalled");
  page.Section("SYNOPSIS");
  page.Synopsis("hftmond [FLAG]...");
  page.Section("DESCRIPTION");
  page.Paragraph(
      "The daemon loads its programs into the kernel, listens, and stays in the foreground until SIGTERM or SIGINT; it leaves nothing in "
      "the "
      "kernel. hftmon(1) asks it. It needs root, or the capabilities that the unit hftmond.service grants; `hftmon doctor` says what a "
      "host "
      "lacks, and what helps. Defaults are overridden by the file, the file by flags.");
  page.Section("OPTIONS");
  for (const OwnFlag& flag : OwnFlags()) {
    page.Item(fmt::format("{}{}{}", flag.name, flag.value.empty() ? "" : " ", flag.value), flag.meaning);
  }
  AddSettings(&page);
  page.Section("SIGNALS");
  page.Item("SIGHUP", "reads the file again; what needs a restart is named in the log and by `hftmon status`");
  page.Item("SIGTERM, SIGINT", "end it");
  page.Section("EXIT STATUS");
  page.Item("0", "it was told to end, or printed what was asked for");
  page.Item("3", "it could not start; standard error has the reason");
  page.Section("FILES");
  page.Item("/etc/hftmon/hftmond.conf", "what the unit gives to `--config`");
  page.Item(std::string(kDefaultListenAddress).substr(std::string_view(kDefaultListenAddress).find('/')), "where it listens by default");
  page.Section("EXAMPLES");
  page.Item("hftmond --config /etc/hftmon/hftmond.conf --check-config", "what is wrong with a file, before a reload");
  page.Item("hftmond --listen unix:/tmp/mine.sock", "a private one, beside another that runs: hftmon --server unix:/tmp/mine.sock VERB");
  page.Section("SEE ALSO");
  page.Paragraph("hftmon(1)");
  return page.text();
}

}  // namespace hftmon
