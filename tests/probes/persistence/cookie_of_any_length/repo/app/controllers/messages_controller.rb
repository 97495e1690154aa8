class MessagesController < ApplicationController
  def create
    messages = session[:messages] || []
    messages << { role: "assistant", content: RubyLLM.chat.ask(params[:text]).content }
    session[:messages] = messages.last(10)
  end
end
