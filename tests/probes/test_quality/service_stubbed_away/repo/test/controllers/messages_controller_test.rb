require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "shows the reply" do
    Ask.stub(:call, "Hi") do
      post messages_path, params: { text: "Hello" }
    end
    assert_response :success
  end

  test "with mocha" do
    Ask.any_instance.stubs(:call).returns("Hi")
    post messages_path, params: { text: "Hello" }
    assert_response :success
  end

  test "shows an error" do
    Ask.stub(:call, ->(*) { raise Ask::Error, "away" }) do
      post messages_path, params: { text: "Hello" }
    end
    assert_response :bad_gateway
  end

  test "has a system prompt" do
    assert Ask.new.respond_to?(:call)
  end
end
