class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "creates" do
    post messages_path, params: { text: "Hello" }
    assert_response :success
  end
end
