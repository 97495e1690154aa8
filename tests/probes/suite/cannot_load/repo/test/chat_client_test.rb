require "test_helper"

class ChatClientTest < ChatClient::TestCase
  test "asks" do
    assert true
  end
end
