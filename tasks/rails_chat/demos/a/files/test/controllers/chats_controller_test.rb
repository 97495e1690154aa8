require "test_helper"

class ChatsControllerTest < ActionDispatch::IntegrationTest
  test "the page shows the composer and suggestions" do
    get root_path

    assert_response :success
    assert_select "h1", "Lantern"
    assert_select "form[action='#{messages_path}'] textarea[name='message[text]']", 1
    assert_select "#welcome button[data-action='composer#suggest']", 4
    assert_select "#notice", text: ""
  end

  test "the page names the model and asks search engines for nothing from elsewhere" do
    get root_path

    assert_select "header span", "claude-sonnet-4.6"
    assert_match "default-src 'none'", response.headers["Content-Security-Policy"]
    assert_no_match "http://", css_select("link, script").to_s
  end

  test "without a key the page still opens and says what to do" do
    without_api_key { get root_path }

    assert_response :success
    assert_select "#notice", /OPENROUTER_API_KEY/
  end

  test "a new chat forgets the old one" do
    stub_replies("Hello, Ada!")
    post messages_path, params: { message: { text: "I am Ada." } }
    delete chat_path

    assert_redirected_to root_path
    follow_redirect!
    assert_select "#welcome"
    assert_select "article", 0
  end

  test "the health check answers" do
    get rails_health_check_path

    assert_response :success
  end
end
