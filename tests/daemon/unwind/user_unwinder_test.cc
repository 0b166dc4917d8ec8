// On this process itself: its registers and a copy of its stack, taken at the end of a known call chain.
#include "daemon/unwind/user_unwinder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

hft_stack captured;

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// In nanoseconds, as the kernel's programs give it; /proc knows ticks.
uint64_t StartNs() {
  std::istringstream fields(ReadAll("/proc/thread-self/stat"));
  std::string field;
  for (int i = 0; i < 22; ++i) fields >> field;
  return std::stoull(field) * 10'000'000;
}

void Capture() {
  ucontext_t context;
  getcontext(&context);
  const greg_t* from = context.uc_mcontext.gregs;
  const int order[] = {REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11,    REG_R10, REG_R9,  REG_R8, REG_RAX,
                       REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RAX, REG_RIP, REG_CSGSFS, REG_EFL, REG_RSP, REG_RSP};
  for (size_t i = 0; i < std::size(order); ++i) captured.registers[i] = static_cast<uint64_t>(from[order[i]]);
  std::memcpy(captured.user, reinterpret_cast<const void*>(from[REG_RSP]), HFT_STACK_COPY_BYTES);
  captured.user_bytes = HFT_STACK_COPY_BYTES;
  captured.tid = static_cast<uint32_t>(gettid());
  captured.tgid = static_cast<uint32_t>(getpid());
  captured.start_ns = StartNs();
}

extern "C" {
[[gnu::noinline]] void unwind_inner() {
  Capture();
  asm volatile("" ::: "memory");
}
[[gnu::noinline]] void unwind_middle() {
  unwind_inner();
  asm volatile("" ::: "memory");
}
[[gnu::noinline]] void unwind_outer() {
  unwind_middle();
  asm volatile("" ::: "memory");
}
}

std::vector<std::string> Chain(const StackPart& part) {
  std::vector<std::string> names;
  for (const StackFrame& frame : part.frames) {
    if (frame.symbol.starts_with("unwind_")) names.push_back(frame.symbol);
  }
  return names;
}

class UserUnwinderTest : public ::testing::Test {
 protected:
  UserUnwinderTest() { unwind_outer(); }
};

TEST_F(UserUnwinderTest, TheCallChainComesInOrder) {
  UserUnwinder unwinder;
  for (int round = 0; round < 3; ++round) {
    const StackPart part = unwinder.Unwind(captured);
    EXPECT_THAT(Chain(part), ElementsAre("unwind_inner", "unwind_middle", "unwind_outer")) << part.reason;
    EXPECT_EQ(part.state, StackState::kTruncated);  // gtest's own frames are deeper than the copy
    EXPECT_THAT(part.reason, HasSubstr("bytes that were copied"));
  }
}

TEST_F(UserUnwinderTest, AShortCopyEndsWhereItEnds) {
  captured.user_bytes = 0;
  const StackPart part = UserUnwinder().Unwind(captured);
  EXPECT_EQ(part.state, StackState::kTruncated);
  EXPECT_EQ(part.frames.size(), 1u);
}

TEST_F(UserUnwinderTest, AThreadThatIsGoneOrAnotherOneSaysSo) {
  captured.start_ns += 1'000'000'000;
  const StackPart part = UserUnwinder().Unwind(captured);
  EXPECT_EQ(part.state, StackState::kUnavailable);
  EXPECT_THAT(part.reason, HasSubstr("ended before"));
}

TEST_F(UserUnwinderTest, DamagedStacksAndRegistersStayWithinTheBounds) {
  std::mt19937_64 random(3);
  UserUnwinder unwinder;
  const hft_stack whole = captured;
  for (int round = 0; round < 2'000; ++round) {
    hft_stack damaged = whole;
    for (int i = 0; i < 16; ++i) damaged.user[random() % HFT_STACK_COPY_BYTES] = static_cast<uint8_t>(random());
    if (round % 3 == 0) damaged.registers[random() % HFT_STACK_REGISTERS] = random();
    if (round % 7 == 0) damaged.user_bytes = static_cast<uint16_t>(random());
    EXPECT_LE(unwinder.Unwind(damaged).frames.size(), static_cast<size_t>(kStackFramesMax));
  }
}

// This process as a /proc of its own shows it, with `more` in its maps.
class MadeProc {
 public:
  MadeProc() : root_(std::filesystem::path(::testing::TempDir()) / ("user_unwinder_maps." + std::to_string(getpid()))) {
    std::filesystem::create_directories(Task());
    std::filesystem::create_directory_symlink("/", Task() / "root");
    std::filesystem::create_directory_symlink("/proc/self/map_files", Task() / "map_files");
    std::ofstream(Task() / "stat") << ReadAll("/proc/thread-self/stat");
    SetMaps("");
  }
  ~MadeProc() { std::filesystem::remove_all(root_); }
  void SetMaps(const std::string& more) const { std::ofstream(Task() / "maps") << more + ReadAll("/proc/thread-self/maps"); }
  std::string path() const { return root_.string(); }

 private:
  std::filesystem::path Task() const { return root_ / std::to_string(captured.tid); }
  const std::filesystem::path root_;
};

TEST_F(UserUnwinderTest, MappingsWithoutCodeThatComeAndGoMakeNoModulesAnewAndThoseWithCodeDo) {
  const MadeProc proc;
  int64_t now_ns = 1;
  UserUnwinder unwinder(proc.path(), [&now_ns] { return now_ns; });  // reading takes no time
  for (int i = 0; i < 20; ++i) {
    proc.SetMaps(std::string("1000-2000 rw-p 00000000 00:00 0 \n").substr(0, i % 2 == 0 ? std::string::npos : 0));
    EXPECT_THAT(Chain(unwinder.Unwind(captured)), ElementsAre("unwind_inner", "unwind_middle", "unwind_outer"));
  }
  EXPECT_EQ(unwinder.maps_read_count(), 20u) << "a program may load code at any time";
  EXPECT_EQ(unwinder.modules_built_count(), 1u);
  proc.SetMaps("1000-2000 r-xp 00000000 00:00 0 \n");
  EXPECT_THAT(Chain(unwinder.Unwind(captured)), ElementsAre("unwind_inner", "unwind_middle", "unwind_outer"));
  EXPECT_EQ(unwinder.modules_built_count(), 2u);
}

TEST_F(UserUnwinderTest, MapsThatTakeLongToReadAreNotReadForEachStackButForCodeThatIsNotKnown) {
  const MadeProc proc;
  int64_t now_ns = 1;
  UserUnwinder unwinder(proc.path(), [&now_ns] { return now_ns += 5'000'000; });  // between any two looks at the clock
  for (int i = 0; i < 10; ++i) unwinder.Unwind(captured);
  EXPECT_EQ(unwinder.maps_read_count(), 1u);
  now_ns += UserUnwinder::kMapsRest * 5'000'000;
  unwinder.Unwind(captured);
  EXPECT_EQ(unwinder.maps_read_count(), 2u);
  hft_stack elsewhere = captured;
  elsewhere.registers[16] = 0x1800;
  unwinder.Unwind(elsewhere);
  EXPECT_EQ(unwinder.maps_read_count(), 3u);
  EXPECT_EQ(unwinder.modules_built_count(), 1u);
}

// What stood beyond the first 4 MiB of text was not seen once: libraries stand at the end.
TEST_F(UserUnwinderTest, CodeBehindVeryManyMappingsIsFound) {
  const MadeProc proc;
  std::string many;
  for (int i = 0; i < 65'000; ++i)
    many +=
        fmt::format("{:x}-{:x} rw-p 00000000 00:00 0                     /a/rather/long/path\n", 0x1000 + i * 0x2000, 0x2000 + i * 0x2000);
  ASSERT_GT(many.size(), 4u << 20);
  proc.SetMaps(many);
  EXPECT_THAT(Chain(UserUnwinder(proc.path()).Unwind(captured)), ElementsAre("unwind_inner", "unwind_middle", "unwind_outer"));
}

// This process as a /proc of its own shows it, but its binary is a damaged copy.
TEST_F(UserUnwinderTest, DamagedFilesGiveFewerFramesAndAReason) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(::testing::TempDir()) / ("user_unwinder_test." + std::to_string(getpid()));
  const fs::path task = root / std::to_string(captured.tid);
  fs::create_directories(task);
  std::ofstream(task / "stat") << ReadAll("/proc/thread-self/stat");
  const std::string binary = fs::read_symlink("/proc/self/exe");
  const std::string image = ReadAll(binary);
  std::mt19937 random(4);
  size_t failed = 0;
  for (int round = 0; round < 30; ++round) {
    fs::remove_all(task / "root");
    const fs::path copy = (task / "root").string() + binary;
    fs::create_directories(copy.parent_path());
    std::string damaged = image;
    const size_t range = round % 2 == 0 ? 1024 : damaged.size();  // its headers, or anything
    for (size_t i = 0; i < range / 64; ++i) damaged[4 + random() % (range - 4)] = static_cast<char>(random());
    std::ofstream(copy, std::ios::binary) << damaged;
    std::string maps;
    std::istringstream lines(ReadAll("/proc/thread-self/maps"));
    // The inode that the copy has, so that it is believed.
    struct stat found = {};
    ASSERT_EQ(stat(copy.c_str(), &found), 0);
    for (std::string line; std::getline(lines, line);) {
      const size_t path_at = line.find(binary);
      if (path_at == std::string::npos) continue;
      std::istringstream fields(line);
      std::string range_text, permissions, offset;
      fields >> range_text >> permissions >> offset;
      maps += range_text + " " + permissions + " " + offset + " 00:00 " + std::to_string(found.st_ino) + " " + binary + "\n";
    }
    std::ofstream(task / "maps") << maps;
    const StackPart part = UserUnwinder(root.string()).Unwind(captured);
    EXPECT_LE(part.frames.size(), static_cast<size_t>(kStackFramesMax));
    EXPECT_TRUE(part.state == StackState::kComplete || !part.reason.empty());
    failed += Chain(part).size() < 3 ? 1 : 0;
  }
  EXPECT_GT(failed, 0u);
  fs::remove_all(root);
}

}  // namespace
}  // namespace hftmon
