class MessagesController < ApplicationController
  def create
    response = RubyLLM.chat.ask(params[:content])
    @reply = keep(role: "assistant", content: response.content)
  end

  private

  def keep(role:, content:)
    message = ChatMessage.new(role: role, content: content)
    session[:messages] = [*session[:messages], message.to_h]
    message
  end
end
