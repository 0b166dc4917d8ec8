// The HTML report in a real browser: it parses without a word of complaint, has its parts in the document, and paints a picture of them.
// Skips where there is no Chromium.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "client/export/html_report.h"
#include "tests/client/export/sample_recording.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint32_t kWidth = 1200;
constexpr uint32_t kHeight = 2600;

std::string Output(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> part;
  for (size_t count; (count = fread(part.data(), 1, part.size(), pipe)) > 0;) output.append(part.data(), count);
  pclose(pipe);
  return output;
}

// HFTMON_SCREENSHOTS: a folder that keeps the pictures, for people.
class HtmlBrowserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    browser_ = Output("command -v chromium || command -v chromium-browser || command -v google-chrome");
    if (browser_.empty()) GTEST_SKIP() << "no Chromium here: apt-get install chromium";
    browser_.pop_back();  // the end of its line
    std::string folder = std::filesystem::temp_directory_path() / "hftmon-browser-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::ofstream(folder_ / "report.html") << HtmlReport(SampleRecording(), {.zone = absl::UTCTimeZone()});
  }
  void TearDown() override {
    if (folder_.empty()) return;
    if (const char* kept = std::getenv("HFTMON_SCREENSHOTS")) {
      std::filesystem::create_directories(kept);
      for (const char* name : {"light.png", "dark.png", "report.html"}) {
        std::error_code ignored;
        std::filesystem::copy_file(folder_ / name, std::filesystem::path(kept) / name, std::filesystem::copy_options::overwrite_existing,
                                   ignored);
      }
    }
    std::filesystem::remove_all(folder_);
  }
  std::string RunBrowser(const std::string& options) const {
    return Output("cd '" + folder_.string() + "' && timeout 120 '" + browser_ +
                  "' --headless --no-sandbox --disable-gpu --disable-background-networking --disable-dev-shm-usage --no-first-run "
                  "--user-data-dir='" +
                  folder_.string() + "/profile' --window-size=" + std::to_string(kWidth) + "," + std::to_string(kHeight) + " " + options +
                  " 'file://" + folder_.string() + "/report.html' 2>'" + folder_.string() + "/errors'");
  }
  std::string FileText(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string browser_;
  std::filesystem::path folder_;
};

// Of a PNG's header.
uint32_t BigEndian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

TEST_F(HtmlBrowserTest, TheDocumentHasItsParts) {
  const std::string document = RunBrowser("--enable-logging=stderr --dump-dom");
  for (const char* id : {"summary", "notes", "heat-map", "worst", "timelines", "causes", "topology", "operations"}) {
    EXPECT_THAT(document, HasSubstr(" id=\"" + std::string(id) + "\"")) << FileText("errors");
  }
  EXPECT_THAT(document, HasSubstr("trader&lt;1&gt;"));
  EXPECT_THAT(FileText("errors"), Not(HasSubstr(":CONSOLE"))) << "the page was complained about";
}

TEST_F(HtmlBrowserTest, ItIsPaintedInLightAndDark) {
  std::string pictures[2];
  const std::string colours[] = {"light", "dark"};
  for (size_t i = 0; i < 2; ++i) {
    const std::string name = colours[i] + ".png";
    // 0: dark, 1: light, as Blink numbers them.
    RunBrowser("--hide-scrollbars --blink-settings=preferredColorScheme=" + std::to_string(i == 0 ? 1 : 0) + " --screenshot=" + name);
    pictures[i] = FileText(name);
    ASSERT_GT(pictures[i].size(), 20'000u) << "an empty page is some kilobytes: " << FileText("errors");
    EXPECT_EQ(pictures[i].substr(1, 3), "PNG");
    EXPECT_EQ(BigEndian(pictures[i], 16), kWidth);
    EXPECT_EQ(BigEndian(pictures[i], 20), kHeight);
  }
  EXPECT_NE(pictures[0], pictures[1]);
}

}  // namespace
}  // namespace hftmon
