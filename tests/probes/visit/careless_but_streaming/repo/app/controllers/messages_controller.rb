class MessagesController < ActionController::Base
  include ActionController::Live

  TURNS = []

  def index
  end

  def create
    text = request.raw_post.force_encoding("UTF-8")
    response.headers["Last-Modified"] = Time.now.httpdate
    chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4", provider: :openrouter)
    chat.with_instructions("Be kind.")
    TURNS << [:user, text.first(4000)]
    TURNS.each { |role, content| chat.add_message(role:, content:) }
    answer = chat.ask(text.first(4000)) { |chunk| response.stream.write(chunk.content.to_s) }
    TURNS << [:assistant, answer.content]
  ensure
    response.stream.close
  end
end
