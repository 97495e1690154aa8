require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  TURBO = { "Accept" => "text/vnd.turbo-stream.html, text/html, application/xhtml+xml" }.freeze

  test "answers Turbo with streams that append the exchange" do
    stub_replies("Hello, Ada!")
    send_message "I am Ada.", headers: TURBO

    assert_response :success
    assert_equal "text/vnd.turbo-stream.html", response.media_type
    assert_select "turbo-stream[action=append][target=messages] template" do
      assert_select "[data-role=user]", "I am Ada."
      assert_select "[data-role=assistant]", /Hello, Ada!/
    end
    assert_select "turbo-stream[action=remove][target=welcome]", 1
    assert_select "turbo-stream[action=update][target=notice]", text: ""
  end

  test "works without JavaScript" do
    stub_replies("Hello, Ada!")
    send_message "I am Ada."

    assert_redirected_to root_path
    follow_redirect!
    assert_select "[data-role=user]", "I am Ada."
    assert_select "[data-role=assistant]", /Hello, Ada!/
    assert_select "#welcome", 0
  end

  test "shows a failure as a stream and appends nothing" do
    stub_failure(503)
    send_message "Hi", headers: TURBO

    assert_response :unprocessable_content
    assert_equal "text/vnd.turbo-stream.html", response.media_type
    assert_select "turbo-stream[action=update][target=notice]", /not available/
    assert_select "turbo-stream[action=append]", 0
  end

  test "shows a failure on the page and gives the text back" do
    stub_failure(429)
    send_message "Hi there"

    assert_response :unprocessable_content
    assert_select "#notice", /Too many requests/
    assert_select "textarea", "Hi there"
    assert_select "article", 0
  end

  test "says that the key is missing" do
    without_api_key { send_message "Hi", headers: TURBO }

    assert_select "#notice, turbo-stream[target=notice]", /OPENROUTER_API_KEY/
  end

  test "escapes what users and models write" do
    stub_replies("<script>alert(1)</script>\n```\n<img src=x onerror=alert(2)>\n```\n**<b>bold</b>** `<i>`")
    send_message "<script>alert(3)</script>", headers: TURBO

    assert_no_match(/<script|<img src=x|<b>|<i>/, response.body)
    assert_match "&lt;script&gt;alert(1)", response.body
    assert_match "&lt;script&gt;alert(3)", response.body
  end

  test "refuses a request without a message" do
    post messages_path

    assert_response :bad_request
  end

  test "refuses a forged request" do
    ActionController::Base.allow_forgery_protection = true
    send_message "Hi"

    assert_response :unprocessable_content
    assert_not_requested :post, COMPLETIONS_URL
  ensure
    ActionController::Base.allow_forgery_protection = false
  end

  private

  def send_message(text, headers: {}) = post(messages_path, params: { message: { text: } }, headers:)
end
