#include "daemon/service/server.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "daemon/service/listen_address.h"
#include "grpcpp/generic/generic_stub.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using ServerTest = ServiceFixture;

// Channels of equal arguments share a connection.
grpc::ChannelArguments OwnConnection() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

TEST_F(ServerTest, TheSocketIsForOwnerAndGroupOnly) {
  struct stat state {};
  ASSERT_EQ(stat((folder_ / "hftmond.sock").c_str(), &state), 0);
  EXPECT_TRUE(S_ISSOCK(state.st_mode));
  EXPECT_EQ(state.st_mode & 0777, 0660u);
}

TEST_F(ServerTest, ASecondServerOnTheSameSocketIsRefusedAndTheFirstGoesOn) {
  const auto second = MonitorServer::Start(Core(), {SocketAddress()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("hftmond.sock"));
  v1::ListTargetsResponse list;
  EXPECT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
}

TEST_F(ServerTest, AfterShutdownTheSocketIsGoneAndCanBeServedAgain) {
  server_->Shutdown(kSecondNs);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "hftmond.sock"));
  const auto again = MonitorServer::Start(Core(), {SocketAddress()});
  EXPECT_TRUE(again.ok()) << again.status();
}

TEST_F(ServerTest, PortZeroIsChosenAndReported) {
  const auto server = MonitorServer::Start(Core(), {"127.0.0.1:0"});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_EQ((*server)->addresses().size(), 1u);
  const std::string address = (*server)->addresses()[0];
  EXPECT_NE(address, "127.0.0.1:0");
  const auto stub = v1::Monitor::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  v1::ListTargetsResponse list;
  EXPECT_TRUE(stub->ListTargets(Context().get(), {}, &list).ok());
}

TEST_F(ServerTest, APortThatIsTakenIsAClearError) {
  const auto first = MonitorServer::Start(Core(), {"127.0.0.1:0"});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = MonitorServer::Start(Core(), {(*first)->addresses()[0]});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr((*first)->addresses()[0]));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("choose another"));
}

TEST_F(ServerTest, AnAddressThatIsNotLoopbackIsRefused) {
  const auto server = MonitorServer::Start(Core(), {"0.0.0.0:0"});
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("not a loopback address"));
}

TEST_F(ServerTest, NoAddressIsAnError) {
  EXPECT_EQ(MonitorServer::Start(Core(), {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ServerTest, AMissingFolderIsNamed) {
  const auto server = MonitorServer::Start(Core(), {"unix:" + (folder_ / "missing" / "x.sock").string()});
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("missing"));
}

// gRPC's own listener gives up for good when there is no descriptor left for a connection.
// The process's bound of open files, as it was when this ends.
class OpenFilesBound {
 public:
  explicit OpenFilesBound(rlim_t files) {
    ok_ = getrlimit(RLIMIT_NOFILE, &before_) == 0;
    const rlimit bound{files, before_.rlim_max};
    ok_ = ok_ && setrlimit(RLIMIT_NOFILE, &bound) == 0;
  }
  ~OpenFilesBound() {
    if (ok_) setrlimit(RLIMIT_NOFILE, &before_);
  }
  OpenFilesBound(const OpenFilesBound&) = delete;
  OpenFilesBound& operator=(const OpenFilesBound&) = delete;

  bool ok() const { return ok_; }

 private:
  rlimit before_{};
  bool ok_ = false;
};

// Descriptors that are closed together.
class Descriptors {
 public:
  Descriptors() = default;
  ~Descriptors() { CloseAll(); }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  int Keep(int fd) {
    if (fd >= 0) fds_.push_back(fd);
    return fd;
  }
  void CloseAll() {
    for (const int fd : fds_) close(fd);
    fds_.clear();
  }

 private:
  std::vector<int> fds_;
};

TEST_F(ServerTest, WhenConnectionsUseUpTheOpenFilesOthersAreServedAndNewOnesAgainLater) {
  v1::ListTargetsResponse list;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
  Descriptors descriptors;
  const int next = descriptors.Keep(eventfd(0, EFD_CLOEXEC));
  ASSERT_GE(next, 0);
  // Room for the ends that ask, and not for as many that answer: both are this process's.
  const OpenFilesBound bound(static_cast<rlim_t>(next) + 400);
  ASSERT_TRUE(bound.ok());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (folder_ / "hftmond.sock").string();
  std::memcpy(address.sun_path, path.c_str(), path.size());
  int last = -1;
  for (int i = 0; i < 230; ++i) {
    last = descriptors.Keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_GE(last, 0);
    ASSERT_EQ(connect(last, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  char byte = 0;
  EXPECT_LE(recv(last, &byte, 1, 0), 0) << "closed";
  EXPECT_GT(server_->refused_connection_count(), 0u);
  EXPECT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok()) << "who was there is served";
  descriptors.CloseAll();
  const auto later = v1::Monitor::NewStub(grpc::CreateCustomChannel(SocketAddress(), grpc::InsecureChannelCredentials(), OwnConnection()));
  const auto context = Context();
  context->set_wait_for_ready(true);
  EXPECT_TRUE(later->ListTargets(context.get(), {}, &list).ok()) << "and who comes later";
}

TEST_F(ServerTest, TheTestsBoundOfOpenFilesEndsWithItsScope) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit now{};
  {
    const OpenFilesBound bound(before.rlim_cur - 1);
    ASSERT_TRUE(bound.ok());
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    EXPECT_EQ(now.rlim_cur, before.rlim_cur - 1);
  }
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, before.rlim_cur);
}

// One request and one answer of a method whose generated code Debian does not ship, as raw bytes.
std::string CallRaw(const std::string& address, const std::string& method, const std::string& request, bool* answered) {
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
  grpc::CompletionQueue queue;
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  *answered = await();
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  *answered = *answered && await();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  *answered = *answered && await();
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (*answered && answer.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return bytes;
}

TEST_F(ServerTest, HealthAnswersServing) {
  bool answered = false;
  // HealthCheckRequest{service: "hftmon.v1.Monitor"} → HealthCheckResponse{status: SERVING}
  const std::string request = std::string("\x0a\x11") + "hftmon.v1.Monitor";
  EXPECT_EQ(CallRaw(SocketAddress(), "/grpc.health.v1.Health/Check", request, &answered), std::string("\x08\x01"));
  EXPECT_TRUE(answered);
}

TEST_F(ServerTest, ReflectionListsTheService) {
  bool answered = false;
  // ServerReflectionRequest{list_services: "*"}
  const std::string answer =
      CallRaw(SocketAddress(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x01*"), &answered);
  EXPECT_TRUE(answered);
  EXPECT_THAT(answer, HasSubstr("hftmon.v1.Monitor"));
  EXPECT_THAT(answer, HasSubstr("grpc.health.v1.Health"));
}

TEST_F(ServerTest, RepeatedStartsAndStopsLeaveNoDescriptorsBehind) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator begin("/proc/self/fd");
    return std::distance(begin, std::filesystem::directory_iterator());
  };
  const std::string address = "unix:" + (folder_ / "other.sock").string();
  const auto round = [&] {
    auto server = MonitorServer::Start(Core(), {address});
    ASSERT_TRUE(server.ok()) << server.status();
  };
  for (int i = 0; i < 5; ++i) round();
  const auto before = descriptors();
  for (int i = 0; i < 50; ++i) round();
  EXPECT_LE(descriptors(), before + 2);
}

}  // namespace
}  // namespace hftmon
