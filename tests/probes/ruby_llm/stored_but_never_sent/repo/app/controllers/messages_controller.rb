class MessagesController < ApplicationController
  def create
    session[:messages] ||= []
    answer = RubyLLM.chat.with_instructions("Be brief.").ask(params[:text]).content
    session[:messages] << { role: "user", content: params[:text] }
    session[:messages] << { role: "assistant", content: answer }
  end
end
