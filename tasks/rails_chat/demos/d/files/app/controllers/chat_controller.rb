class ChatController < ApplicationController
  skip_before_action :verify_authenticity_token

  @@messages = []

  def index
    @messages = @@messages
  end

  def create
    @@messages << { role: "user", content: params[:message] }
    client = RubyLLM::Client.new(api_key: ENV["OPENROUTER_API_KEY"], provider: "openrouter")
    response = client.chat(model: "anthropic/claude-sonnet-4", messages: @@messages)
    reply = response.choices.first.message.content
    if reply.length > 5000
      reply = reply[0, 5000] + "..."
    end
    @@messages << { role: "assistant", content: reply }
    render json: { reply: reply }
  end
end
